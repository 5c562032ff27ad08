#include "signin.h"

#include <fcntl.h>
#include <jwt.h>
#include <unistd.h>

#include "chat_key.h"
#include "log.h"


static ssize_t key_read(const char *path, uint8_t *key, size_t size);


int
token_key_read(signin_t *s, const char *path)
{
    ssize_t  n;

    n = key_read(path, s->key, sizeof(s->key));

    if (n == -1) {
        log_err("cannot read the token key", log_str("file", path),
                log_errno());
        return -1;
    }

    if (n > 0 && s->key[n - 1] == '\n') {
        n--;
    }

    if (n < CHAT_KEY_MIN_SECRET) {
        log_err("the token key is too short", log_str("file", path),
                log_uint("bytes", (uint64_t) n),
                log_uint("required", CHAT_KEY_MIN_SECRET));
        return -1;
    }

    s->key_len = (size_t) n;

    return 0;
}


/* a file that fills size is cut off: nobody has a secret of that length */

static ssize_t
key_read(const char *path, uint8_t *key, size_t size)
{
    int      fd;
    size_t   len = 0;
    ssize_t  n;

    fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd == -1) {
        return -1;
    }

    do {
        n = read(fd, key + len, size - len);

        if (n > 0) {
            len += (size_t) n;
        }

    } while (n > 0);

    (void) close(fd);

    return n == -1 ? -1 : (ssize_t) len;
}


static int
token_fill(jwt_t *jwt, const signin_t *s, const char *user_id,
    const char *name, uint64_t now, uint64_t expires)
{
    if (jwt_set_alg(jwt, JWT_ALG_HS256, s->key, (int) s->key_len) != 0
        || jwt_add_grant(jwt, "sub", user_id) != 0
        || jwt_add_grant(jwt, "name", name) != 0
        || jwt_add_grant_int(jwt, "iat", (long) now) != 0
        || jwt_add_grant_int(jwt, "exp", (long) expires) != 0)
    {
        return -1;
    }

    return 0;
}


char *
token_make(const signin_t *s, const char *user_id, const char *name,
    uint64_t now, uint64_t expires)
{
    char   *token = NULL;
    jwt_t  *jwt;

    if (jwt_new(&jwt) != 0) {
        return NULL;
    }

    if (token_fill(jwt, s, user_id, name, now, expires) == 0) {
        token = jwt_encode_str(jwt);
    }

    jwt_free(jwt);

    return token;
}
