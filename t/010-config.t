# nginx -t: what is good passes, and what is not is said so that an operator
# knows what to change.

use v5.36;

use FindBin;
use lib "$FindBin::Bin/lib";

use ChatTest;


my @good = (
    ['what the tests use', location => ''],
    ['chat_redis by address', instead => 'chat_redis 127.0.0.1;'],
    ['chat_redis by address and port', instead => 'chat_redis 10.0.0.1:6380;'],
    ['chat_redis by IPv6 address', instead => 'chat_redis [::1]:6379;'],
    ['parameters of chat_redis', instead =>
        'chat_redis unix:/r.sock db=3 password_file=token.key timeout=100ms'
        . ' max_pending=2m;'],
    ['chat_partitions', http => 'chat_partitions 64;'],
    ['chat_compare_interval', http => 'chat_compare_interval 1s;'],
    ['chat_drain_time', http => 'chat_drain_time 10m;'],
    ['chat_drain_time 0', http => 'chat_drain_time 0;'],
    ['chat_canary off', canary => 'off'],
    ['chat_canary 1h', canary => '1h'],
    ['several keys', http => 'chat_token_key HS256 token.key kid=b;'
        . 'chat_token_key HS256 token.key;'],
    ['several origins', location =>
        'chat_origin https://a.example http://localhost:3000 https://*.b.c;'],
    ['any origin', location => 'chat_origin any;'],
    ['both kinds of acknowledgement', http => 'chat_ack stored;',
        location => 'chat_ack accepted;'],
    ['no mentions and attachments',
        location => 'chat_max_mentions 0; chat_max_attachments 0;'],
    ['the smallest message size', location => 'chat_max_message_size 1k;'],
    ['the largest message size',
        location => 'chat_max_message_size 1m; chat_send_queue 1m;'],
    ['the largest message size of an echo', server =>
        'location = /e { chat_echo on; chat_max_message_size 16m; }'],
    ['compression', http => 'chat_deflate on; chat_deflate_min_length 0;',
        location => 'chat_deflate_max_ratio 1032;'],
    ['chat_echo without Redis and key', instead =>
        'server { listen unix:nginx.sock; location / { chat_echo on; } }'],
    ['chat_status without Redis', instead =>
        'server { listen unix:nginx.sock; location / { chat_status; } }'],
);

subtest 'good configurations pass' => sub {
    for (@good) {
        my ($what, %config) = @$_;
        my ($code, $text) = ChatTest->check_config(%config);

        is($code, 0, $what) or diag($text);
    }
};

subtest 'what is no fault, but not meant so' => sub {
    my $warning = qr/\[warn\] .*"chat_node_queue" is less than/;

    for ([qw(64k 128k)], [qw(128k 128k)]) {
        my ($node, $send) = @$_;
        my ($code, $text) = ChatTest->check_config(
            http     => "chat_node_queue $node;",
            location => "chat_send_queue $send;",
        );

        is($code, 0, "a node of $node with sessions of $send");
        is(scalar(() = $text =~ /$warning/g), $node eq '64k' ? 1 : 0,
           'is warned of, or not');
    }
};

# directive and value, and the message, for a value that is out of its range
my @ranges = (
    ['chat_max_message_size 1023', '1k and 16m'],
    ['chat_max_message_size 2m', '1k and 1m, but for "chat_echo"'],
    ['chat_max_message_size 17m', '1k and 16m'],
    ['chat_deflate_max_ratio 9', '10 and 1032'],
    ['chat_deflate_max_ratio 1033', '10 and 1032'],
    ['chat_send_queue 15k', '16k and 64m'],
    ['chat_send_queue 65m', '16k and 64m'],
    ['chat_max_outstanding 0', '1 and 10000'],
    ['chat_max_outstanding 10001', '1 and 10000'],
    ['chat_max_conversations 0', '1 and 100000'],
    ['chat_max_conversations 100001', '1 and 100000'],
    ['chat_auth_timeout 99ms', '100ms and 5m'],
    ['chat_auth_timeout 6m', '100ms and 5m'],
    ['chat_request_timeout 99ms', '100ms and 1m'],
    ['chat_request_timeout 61s', '100ms and 1m'],
    ['chat_ping_interval 99ms', '100ms and 1h'],
    ['chat_ping_interval 2h', '100ms and 1h'],
    ['chat_ping_timeout 99ms', '100ms and 1h'],
    ['chat_ping_timeout 2h', '100ms and 1h'],
    ['chat_token_leeway 301s', '0s and 5m'],
    ['chat_max_members 1', '2 and 10000'],
    ['chat_max_members 10001', '2 and 10000'],
    ['chat_max_reactions 0', '1 and 10000'],
    ['chat_max_reactions 10001', '1 and 10000'],
    ['chat_max_mentions 201', '0 and 200'],
    ['chat_max_attachments 51', '0 and 50'],
);

subtest 'a value must be in its range' => sub {
    for (@ranges) {
        my ($setting, $range) = @$_;
        my ($directive) = $setting =~ /^(\w+)/;

        refused_ok(qq("$directive" must be between $range),
                   location => "$setting;");
    }

    refused_ok('"chat_partitions" must be between 1 and 64',
               http => "chat_partitions $_;") for 0, 65;
    refused_ok('"chat_compare_interval" must be between 1s and 1h',
               http => "chat_compare_interval $_;") for '999ms', '61m';
    refused_ok('"chat_drain_time" must be between 0s and 10m',
               http => 'chat_drain_time 601s;');
};

my @wrong = (
    ['invalid address "redis.example.com:6379" in "chat_redis": it must be a '
        . 'numeric address', instead => 'chat_redis redis.example.com:6379;'],
    ['invalid path "r.sock" in "chat_redis": it must begin with "/"',
        instead => 'chat_redis unix:r.sock;'],
    ['and have at most 107 characters',
        instead => 'chat_redis unix:/' . 'x' x 107 . ';'],
    ['unknown parameter "dbs=1" in "chat_redis"', redis_options => 'dbs=1'],
    ['duplicate parameter "db" in "chat_redis"',
        redis_options => 'db=1 db=2'],
    ['invalid parameter "db=x" in "chat_redis"', redis_options => 'db=x'],
    ['invalid parameter "timeout=0s" in "chat_redis"',
        redis_options => 'timeout=0s'],
    ['invalid parameter "max_pending=1m" in "chat_redis"',
        redis_options => 'max_pending=1m'],
    ['nothing.key" failed (2: No such file or directory)',
        redis_options => 'password_file=nothing.key'],
    ['"chat_redis" directive is duplicate', http => 'chat_redis 127.0.0.1;'],
    ['"chat_redis" directive is not allowed here',
        location => 'chat_redis 127.0.0.1;'],
    ['"chat_partitions" directive is not allowed here',
        server => 'chat_partitions 4;'],
    (map {
        ['"chat_session_log" directive must be the path of a file, or "off"',
            http => "chat_session_log $_;"]
    } 'on', '""', 'syslog:server=127.0.0.1', '/var/log/$host.log'),
    ['"chat_canary" directive must be "off" or between 1s and 1h',
        canary => '999ms'],
    ['"chat_canary" directive must be "off" or between 1s and 1h',
        canary => '61m'],
    ['"chat_canary" directive must be "off" or between 1s and 1h',
        canary => 'on'],
    ['"chat_canary" directive is duplicate', http => 'chat_canary 10s;'],
    ['unknown algorithm "none" in "chat_token_key"',
        http => 'chat_token_key none token.key;'],
    ['unknown algorithm "HS512" in "chat_token_key"',
        http => 'chat_token_key HS512 token.key;'],
    ['nothing.key" failed (2: No such file or directory)',
        http => 'chat_token_key HS256 nothing.key;'],
    ['empty.key" is empty', http => 'chat_token_key HS256 empty.key;'],
    ['the key in "short.key" cannot be used',
        http => 'chat_token_key HS256 short.key;'],
    ['duplicate kid "a" in "chat_token_key"', http =>
        'chat_token_key HS256 token.key kid=a;' x 2],
    ['unknown parameter "key=a" in "chat_token_key"',
        http => 'chat_token_key HS256 token.key key=a;'],
    ['invalid number of arguments in "chat_token_key" directive',
        http => 'chat_token_key HS256;'],
    ['invalid origin "example.com" in "chat_origin"',
        location => 'chat_origin example.com;'],
    ['invalid origin "https://example.com/" in "chat_origin"',
        location => 'chat_origin https://example.com/;'],
    ['invalid origin "any" in "chat_origin"',
        location => 'chat_origin https://example.com any;'],
    ['"chat_origin" directive is duplicate',
        location => 'chat_origin any; chat_origin https://example.com;'],
    ['invalid value "yes" in "chat_websocket" directive, it must be "on" or '
        . '"off"', server => 'chat_websocket yes;'],
    ['invalid value "never" in', location => 'chat_ack never;'],
    ['location "/x" has both "chat_websocket" and "chat_echo"',
        server => 'location /x { chat_websocket on; chat_echo on; }'],
    ['location "/x" has "chat_websocket" and another handler',
        server => 'location /x { chat_websocket on; empty_gif; }'],
    ['invalid value "well" in "chat_health"',
        server => 'location /x { chat_health well; }'],
    ['"chat_health" directive is not allowed here',
        server => 'chat_health live;'],
    ['"chat_status" directive is duplicate, or the location has another',
        server => 'location /x { chat_health live; chat_status; }'],
    ['"chat_send_queue" must not be less than "chat_max_message_size"',
        location => 'chat_max_message_size 1m;'],
    ['"chat_websocket" but no "chat_token_key" or "chat_token_jwks"', instead =>
        'chat_redis 127.0.0.1; server { listen unix:nginx.sock;'
        . ' location / { chat_websocket on; } }'],
    ['"chat_websocket" is used but there is no "chat_redis"', instead =>
        'chat_token_key HS256 token.key; server { listen unix:nginx.sock;'
        . ' location / { chat_websocket on; } }'],
);

subtest 'what is wrong is named' => sub {
    refused_ok(@$_) for @wrong;
};


sub refused_ok ($message, %config) {
    my ($code, $text) = ChatTest->check_config(%config, files => {
        'empty.key' => "\n",
        'short.key' => 'x' x 31,
    });

    isnt($code, 0, "refused: $message");
    like($text, qr/\[emerg\] .*\Q$message\E/, 'and said') if $code != 0;

    return;
}

done_testing;
