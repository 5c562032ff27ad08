/*
 * What was found wrong: a sentence each, and what it is about, so that the same
 * thing is known again when one looks once more.
 */

#ifndef FINDINGS_H
#define FINDINGS_H


#include <stdbool.h>
#include <stddef.h>


#define FINDINGS_MOST  20       /* of a kind; there is no end else */


typedef struct {
    const char  *kind;          /* a constant: snake_case, for programs */
    char        *subject;       /* the same again means the same thing */
    char        *text;          /* for people */
    bool         waits;         /* it may be what is not stored yet */
} finding_t;


typedef struct {
    finding_t   *list;
    size_t       n;
    size_t       size;
} findings_t;


void findings_done(findings_t *f);      /* it may be used again */

void findings_add(findings_t *f, const char *kind, const char *subject,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* the last one that was added may be what is not stored yet */
void findings_mark_waiting(findings_t *f);

/* whether any may be that */
bool findings_wait(const findings_t *f);

/* drops those that the other ones do not have */
void findings_keep_common(findings_t *f, const findings_t *other);

/* drops those that may be what is not stored yet */
void findings_keep_certain(findings_t *f);


#endif /* FINDINGS_H */
