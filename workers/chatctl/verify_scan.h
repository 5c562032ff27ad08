#ifndef VERIFY_SCAN_H
#define VERIFY_SCAN_H


#include "verify.h"


/* names and values in turn; -1: a link failed */

typedef int (*verify_scan_pt)(verify_t *v, const redisReply *fields,
    void *data);


/* goes through <base><name>; what changes meanwhile may come twice */
CHAT_MUST_CHECK int verify_scan(verify_t *v, const char *name,
    const char *pattern, verify_scan_pt each, void *data);


#endif /* VERIFY_SCAN_H */
