# A function library of a test's own, in place of ours: it answers as it is
# told.

package ChatTest::Library;

use v5.36;

use Exporter qw(import);

our @EXPORT_OK = qw(load_library);

# what every node asks before it serves anybody: nothing is revoked, and that
# is all there is
use constant REVOKED => <<~'END';

    redis.register_function('chat_v1_revoked_read', function()
        return {'ok', 1, 'told', 0, 0, '0', ''}
    end)
    END


# $code: Lua, without the line that names the library

sub load_library ($chat, $code) {
    return $chat->redis_cli('FUNCTION', 'LOAD',
                            "#!lua name=told\n$code" . REVOKED);
}

1;
