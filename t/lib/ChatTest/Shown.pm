# Who is seen how, as a test tells it: a function library in place of
# chat-presence and its own.  Nodes read and hear what they would of those.

package ChatTest::Shown;

use v5.36;

use ChatTest::Redis;
use Compress::Zlib qw(crc32);

# KEYS[1]: the prefix, see redis/presence.lua.  <prefix>seen: "<tenant>/<user>"
# -> "<status> <last seen> <text>"; who is not in it is offline, "" is not
# loaded.  <prefix>n: of the last publish.  seen:closed: nothing can be read.
my $library = <<~'END';
    #!lua name=chat_presence_v1

    redis.register_function('chat_presence_v1_read', function(keys, a)
        local answer = {'ok', 'seen',
                        redis.call('GET', keys[1] .. 'n') or '0'}

        if redis.call('EXISTS', 'seen:closed') == 1 then
            return {'closed'}
        end

        redis.call('INCRBY', 'seen:read', #a - 2)

        for i = 3, #a do
            answer[#answer + 1] = redis.call('HGET', keys[1] .. 'seen', a[i])
                                  or 'f 0 '
        end

        return answer
    end)

    redis.register_function('seen_see', function(keys, a)
        local n = redis.call('INCR', keys[1] .. 'n')

        redis.call('HSET', keys[1] .. 'seen', a[1], a[2])

        if a[2] ~= '' then
            redis.call('PUBLISH', string.sub(keys[1], 1, -2),
                       'seen ' .. n .. '\n' .. a[1] .. ' ' .. a[2] .. '\n')
        end

        return n
    end)
    END


# of a running test

sub new ($class, $chat) {
    my $self = bless {
        redis      => ChatTest::Redis->new($chat->{redis_socket}),
        partitions => $chat->{partitions} // 16,
    }, $class;

    $self->{redis}->call('FUNCTION', 'LOAD', 'REPLACE', $library);

    return $self;
}


# A user of the tenant "default" is seen so, a letter as in Redis; "" is one who
# is not loaded.

sub see ($self, $user, $status, $last_seen = 0, $text = '') {
    $self->{redis}->call('FCALL', 'seen_see', 1, $self->_prefix($user),
                         "default/$user",
                         $status eq '' ? '' : "$status $last_seen $text");

    return;
}


# whether nothing can be read

sub close ($self, $closed = 1) {
    $self->{redis}->call($closed ? ('SET', 'seen:closed', 1)
                                 : ('DEL', 'seen:closed'));

    return;
}


# how many users were read so far

sub reads ($self) { return $self->{redis}->call('GET', 'seen:read') // 0 }


sub _prefix ($self, $user) {
    return sprintf 'chat:{p%02d}:presence:',
        crc32("default/$user") % $self->{partitions};
}

1;
