# Messages as a node hands them to the function library: for those who measure
# what comes after the node.

package Bench::Message;

use v5.36;

use Exporter qw(import);
use POSIX qw(strftime);
use Time::HiRes ();

our @EXPORT_OK = qw(create_arguments now send_arguments);

use constant {
    TENANT => 'default',
    SIZE   => 200,          # of a message's JSON
};


# partition => its prefix, conversation, key, user, identity, partitions

sub create_arguments (%o) {
    my $head = qq({"type":"conversation.created","data":)
        . qq({"conversationId":"$o{conversation}","type":"group",)
        . qq("name":"Measured","createdBy":"$o{user}",);

    return ('FCALL', 'chat_v1_append', 2, $o{prefix}, _base(%o), $o{identity},
            $o{partitions}, 'conversation.create', $o{user}, now(), 'group',
            'Measured', $o{key}, 1, $head, $o{user}, 'owner');
}


# the same, and time (ms), id, client_id (a UUIDv7) and client_time (ms)

sub send_arguments (%o) {
    my $content = '"' . 'x' x (SIZE - 2) . '"';
    my $pre = qq({"id":"$o{id}","conversationId":"$o{conversation}",)
        . qq("senderId":"$o{user}","clientMessageId":"$o{client_id}",)
        . '"content":';
    my $post = ',"timestamp":"' . _timestamp($o{time}) . '",';

    return ('FCALL', 'chat_v1_append', 2, $o{prefix}, _base(%o), $o{identity},
            $o{partitions}, 'message.send', $o{user}, $o{time}, $o{client_id},
            $o{client_time}, $o{id}, $pre, $content, $post, '', '', '');
}


sub now () { return int(1000 * Time::HiRes::time()) }


sub _base (%o) {
    return "$o{prefix}c:" . TENANT . "/$o{conversation}";
}


sub _timestamp ($ms) {
    return strftime('%Y-%m-%dT%H:%M:%S', gmtime int($ms / 1000))
        . sprintf '.%03dZ', $ms % 1000;
}

1;
