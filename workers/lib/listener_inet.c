#define _GNU_SOURCE

#include "listener_inet.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listener.h"
#include "log.h"
#include "mem.h"
#include "number.h"


#define INET_BACKLOG  16
#define INET_UNIX     "unix:"


typedef struct {
    char  host[64];
    char  port[8];
} inet_name_t;


static int inet_split(inet_name_t *name, const char *address);
static int inet_bind(const struct addrinfo *info);


static bool
inet_is_unix(const char *address)
{
    return strncmp(address, INET_UNIX, strlen(INET_UNIX)) == 0;
}


int
listener_inet_open(const char *address)
{
    int                     fd;
    inet_name_t             name;
    struct addrinfo        *info;
    const struct addrinfo   hints = {
        .ai_flags = AI_NUMERICHOST|AI_NUMERICSERV|AI_PASSIVE,
        .ai_socktype = SOCK_STREAM
    };

    if (inet_is_unix(address)) {
        return listener_open(address, SOCK_STREAM);
    }

    if (inet_split(&name, address) == -1
        || getaddrinfo(name.host, name.port, &hints, &info) != 0)
    {
        log_err("not an address to listen at: 127.0.0.1:PORT, [::1]:PORT or "
                "unix:PATH", log_str("address", address));
        return -1;
    }

    fd = inet_bind(info);

    if (fd == -1) {
        log_err("cannot listen", log_str("address", address), log_errno());
    }

    freeaddrinfo(info);

    return fd;
}


void
listener_inet_close(int fd, const char *address)
{
    if (inet_is_unix(address)) {
        listener_close(fd, address);
    } else {
        (void) close(fd);
    }
}


/* an address of IPv6 is in brackets; the port is not left out */

static int
inet_split(inet_name_t *name, const char *address)
{
    int          len;
    bool         brackets = address[0] == '[';
    uint64_t     port;
    const char  *end, *host = address + brackets;

    end = strrchr(address, ':');

    if (end == NULL || number_parse(mem_cstr(end + 1), 65535, &port) == -1
        || port == 0)
    {
        return -1;
    }

    len = (int) (end - host);

    if (brackets) {
        len--;

        if (len < 1 || host[len] != ']') {
            return -1;
        }
    }

    if (len < 1 || (size_t) len >= sizeof(name->host)
        || (memchr(host, ':', (size_t) len) != NULL) != brackets)
    {
        return -1;
    }

    (void) snprintf(name->host, sizeof(name->host), "%.*s", len, host);
    (void) snprintf(name->port, sizeof(name->port), "%u", (unsigned) port);

    return 0;
}


/* an address of IPv6 takes none of IPv4 with it; close() keeps errno, for the
   descriptor is good */

static int
inet_bind(const struct addrinfo *info)
{
    int  fd, on = 1;

    fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                0);

    if (fd == -1) {
        return -1;
    }

    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1
        || (info->ai_family == AF_INET6
            && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on))
               == -1)
        || bind(fd, info->ai_addr, info->ai_addrlen) == -1
        || listen(fd, INET_BACKLOG) == -1)
    {
        (void) close(fd);
        return -1;
    }

    return fd;
}
