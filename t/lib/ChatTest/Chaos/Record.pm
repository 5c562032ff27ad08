# What a client has asked, got and heard, as lines of JSON arrays in a file of
# its own.  The second element is always the time in ms since 1970.
#
#     client  t name tenant user
#     open    t url                     a connection is begun
#     up      t sessionId node
#     down    t why
#     ask     t id try type data what   id: of the request; try: which
#                                       operation this is, same if repeated;
#                                       what: "probe", the client holds what it
#                                       held whatever the answer is
#     reply   t id data                 events of a join: numbers of texts;
#                                       messages of history: likewise
#     refused t id error
#     lost    t id                      there was no reply on that connection
#     event   t number                  live
#     hint    t type conversation user  of what it has not joined
#     presence t user status lastSeen text
#     typing  t conversation user started
#     receipt t conversation user kind sequence
#     reset   t conversation            conversation.reset
#     forget  t conversation            the client holds nothing of it any more
#     ready   t what                    see ChatTest::Chaos::Ending
#
# Texts come many times: each is written once, in another file that all clients
# of the process share, as
#
#     number tenant text
#
# with the object's members sorted; a number may be given to a text again, so
# that memory stays bounded.

package ChatTest::Chaos::Record;

use v5.36;

use Carp qw(croak);
use Digest::MD5 qw(md5);
use Time::HiRes qw(time);

use ChatTest::Chaos::Json qw(encode);

use constant REMEMBERED => 20_000;


# the texts of a process

sub texts ($class, $directory, $name) {
    return bless {
        file  => _open("$directory/texts-$name.jsonl"),
        name  => $name,
        last  => 0,
        young => {},
        old   => {},
    }, $class;
}


# the records of a client

sub client ($class, $directory, $texts, %o) {
    my $self = bless {
        file   => _open("$directory/client-$o{name}.jsonl"),
        texts  => $texts,
        tenant => $o{tenant},
    }, $class;

    $self->write(client => $o{name}, $o{tenant}, $o{user}, $texts->{name});

    return $self;
}


sub _open ($name) {
    open my $file, '>', $name or croak "cannot write $name: $!";

    return $file;
}


sub write ($self, $what, @more) {
    print { $self->{file} } encode([$what, int 1000 * time, @more]), "\n";

    return;
}


# the end of it, which comes before a process is forked that would have it too

sub close ($self) {
    close $self->{file};

    return;
}


# the number of an event, given what it says: a hash

sub number ($self, $event) {
    return $self->{texts}->_number($self->{tenant}, encode($event));
}


sub _number ($self, $tenant, $text) {
    my $key = md5("$tenant $text");
    my $young = $self->{young};

    return $young->{$key} if $young->{$key};

    my $number = $young->{$key} = delete $self->{old}{$key};

    if (!$number) {
        $number = $young->{$key} = ++$self->{last};
        print { $self->{file} } qq([$number,"$tenant",$text]\n);
    }

    if (keys %$young > REMEMBERED) {
        @$self{qw(old young)} = ($young, {});
    }

    return $number;
}

1;
