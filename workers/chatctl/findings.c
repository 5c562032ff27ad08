#include "findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"


static void
findings_free(finding_t *one)
{
    free(one->subject);
    free(one->text);
}


void
findings_done(findings_t *f)
{
    size_t  i;

    for (i = 0; i < f->n; i++) {
        findings_free(&f->list[i]);
    }

    free(f->list);
    memset(f, 0, sizeof(*f));
}


static size_t
findings_count(const findings_t *f, const char *kind)
{
    size_t  i, n = 0;

    for (i = 0; i < f->n; i++) {
        n += strcmp(f->list[i].kind, kind) == 0;
    }

    return n;
}


void
findings_add(findings_t *f, const char *kind, const char *subject,
    const char *format, ...)
{
    char        text[1024];
    va_list     args;
    finding_t  *one;

    if (findings_count(f, kind) >= FINDINGS_MOST) {
        return;
    }

    va_start(args, format);
    (void) vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    if (f->n == f->size) {
        f->size = f->size * 2 + 8;
        f->list = mem_realloc(f->list, f->size, sizeof(finding_t));
    }

    one = &f->list[f->n];
    one->kind = kind;
    one->subject = mem_strdup(subject);
    one->text = mem_strdup(text);
    one->waits = false;
    f->n++;
}


void
findings_mark_waiting(findings_t *f)
{
    f->list[f->n - 1].waits = true;
}


bool
findings_wait(const findings_t *f)
{
    size_t  i;

    for (i = 0; i < f->n; i++) {
        if (f->list[i].waits) {
            return true;
        }
    }

    return false;
}


static bool
findings_have(const findings_t *f, const finding_t *one)
{
    size_t  i;

    for (i = 0; i < f->n; i++) {
        if (strcmp(f->list[i].kind, one->kind) == 0
            && strcmp(f->list[i].subject, one->subject) == 0)
        {
            return true;
        }
    }

    return false;
}


/* in their order */

static void
findings_keep(findings_t *f, const findings_t *common)
{
    size_t  i, kept = 0;

    for (i = 0; i < f->n; i++) {

        if (common != NULL ? findings_have(common, &f->list[i])
                           : !f->list[i].waits)
        {
            f->list[kept] = f->list[i];
            kept++;
        } else {
            findings_free(&f->list[i]);
        }
    }

    f->n = kept;
}


void
findings_keep_common(findings_t *f, const findings_t *other)
{
    findings_keep(f, other);
}


void
findings_keep_certain(findings_t *f)
{
    findings_keep(f, NULL);
}
