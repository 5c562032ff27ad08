# The table of frames, t/attacks/frames.tsv: its notation stands at its top.

package ChatTest::FrameTable;

use v5.36;

use Carp qw(croak);
use Exporter qw(import);

use ChatTest::Frame qw(make_frame :opcodes);

our @EXPORT_OK = qw(read_frames);

my %KINDS = (text => TEXT, bin => BINARY, cont => CONTINUATION, close => CLOSE,
             ping => PING, pong => PONG);
my %NAMES = (TEXT, 'text', BINARY, 'bin');
my $MARKS = qr/ (?: [-~] | !\d | &[0-9a-f]{8} | @(?:16|64) | \#\d+ )* /x;


# The rows as { what, where, frames => [bytes], expected => [words, with their
# payloads as bytes] }; a row for both locations comes twice.

sub read_frames ($file) {
    my @rows;

    open my $in, '<', $file or croak "cannot read $file: $!";

    while (my $line = <$in>) {
        next if $line =~ /^(?:#|$)/;
        chomp $line;

        my ($what, $where, $sent, $expected, $why) = split /\t/, $line;
        croak "$file:$.: not five columns" if !defined $why;
        croak "$file:$.: no such place: $where"
            if $where !~ /^(?:echo|chat|both)$/;

        my @frames = map { _frame($_) // croak "$file:$.: no frame: $_" }
            split / /, $sent;

        push @rows, {
            what     => $what,
            where    => $_,
            frames   => [map { $_->{bytes} } @frames],
            expected => _expected($expected, @frames),
        } for $where eq 'both' ? qw(echo chat) : $where;
    }

    return @rows;
}


sub _frame ($text) {
    my ($kind, $marks, $payload) =
        $text =~ /^([a-z]+\d*)($MARKS)(?::(.*))?$/ or return undef;

    return { kind => '', bytes => pack 'H*', $payload } if $kind eq 'hex';

    my %f = (opcode => $KINDS{$kind}, payload => _payload($payload // ''));

    if ($kind =~ /^op(\d+)$/) {
        $f{opcode} = $1;
    }

    if ($kind eq 'close' && $f{payload} =~ /^(\d+)(?:,(.*))?$/s) {
        $f{payload} = pack('n', $1) . ($2 // '');
    }

    return undef if !defined $f{opcode};

    for ($marks =~ /([-~]|[!&@#][0-9a-f]+)/g) {
        my $value = substr $_, 1;

        /^-/ ? ($f{fin} = 0)
            : /^~/ ? ($f{mask} = undef)
            : /^!/ ? ($f{rsv} = $value)
            : /^&/ ? ($f{mask} = pack 'H*', $value)
            : /^@/ ? ($f{bits} = $value)
            : ($f{length} = $value);
    }

    if (defined $f{length}) {
        $f{bits} //= $f{length} < 126 ? 7 : $f{length} < 65536 ? 16 : 64;
    }

    return { kind => $kind, fin => 1, %f, bytes => make_frame(%f) };
}


sub _payload ($text) {
    $text =~ s/\\x([0-9a-f]{2})/chr hex $1/ge;
    $text =~ s/\((.+?)\)\*(\d+)/$1 x $2/gse;

    return $text;
}


sub _expected ($text, @frames) {
    my @words = map {
        /^(text|bin|pong):(.*)$/s ? "$1:" . _payload($2)
            : /^(?:text|bin|pong)$/ ? "$_:" : $_
    } split / /, $text;
    my @named = grep { /^(?:text|bin|pong):/ } @words;
    my @echo = _echo(@frames);

    while (@named && @echo && $named[0] eq $echo[0]) {
        shift @named;
        shift @echo;
    }

    return [map { $_ eq 'echo' ? @echo : $_ } @words];
}


# what a server that echoes sends back for frames that are good

sub _echo (@frames) {
    my @echo;
    my $message;

    for my $f (@frames) {
        my $kind = $f->{kind};

        push @echo, "pong:$f->{payload}" if $kind eq 'ping';
        next if $kind !~ /^(?:text|bin|cont)$/;

        $message = "$kind:" if $kind ne 'cont';
        $message .= $f->{payload};
        push @echo, $message if $f->{fin};
    }

    return @echo;
}


# The words for what has come: frames, fragments already put together.  Of the
# chat location only what is asked for: replies by id, errors by code.

sub words ($class, $where, @frames) {
    my @words;
    my $message;

    for my $f (@frames) {
        my $opcode = $f->{opcode};

        if ($opcode == PONG) {
            push @words, "pong:$f->{payload}";
            next;
        }

        next if $opcode > BINARY;

        $message = "$NAMES{$opcode}:" if $opcode != CONTINUATION;
        $message .= $f->{payload};

        if ($f->{fin}) {
            push @words, $where eq 'chat' ? _reply($message) : $message;
        }
    }

    return @words;
}


sub _reply ($message) {
    my $reply = ChatTest::Json::decode($message =~ s/^text://r);

    return $reply->{type}               if $reply->{type} ne 'reply';
    return "reply:$reply->{id}"         if $reply->{ok};
    return "error:$reply->{error}{code}";
}

1;
