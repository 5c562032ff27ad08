/*
 * What a worker needs of the schema in PostgreSQL: that it is as new as the
 * worker, or newer.  An older one lacks tables that are written only now and
 * then, so it would fail late.
 */

#ifndef SCHEMA_H
#define SCHEMA_H


#include "chat_version.h"


/* For db_t's setup: fails, with a message that says what to do.  Who runs
   migrations later is served by the next link. */

#define SCHEMA_CHECK                                                          \
    "DO $$ DECLARE found int; BEGIN"                                          \
    " IF to_regclass('chat.schema_version') IS NULL THEN"                     \
    "  RAISE EXCEPTION 'there is no schema: run chatctl migrate';"            \
    " END IF;"                                                                \
    " SELECT max(version) INTO found FROM chat.schema_version;"               \
    " IF found < " SCHEMA_TEXT(CHAT_SCHEMA_VERSION) " THEN"                   \
    "  RAISE EXCEPTION 'the schema is of version %, " SCHEMA_TEXT(            \
        CHAT_SCHEMA_VERSION) " is needed: run chatctl migrate', found;"       \
    " END IF; END $$;"

#define SCHEMA_TEXT(number)    SCHEMA_DIGITS(number)
#define SCHEMA_DIGITS(number)  #number


#endif /* SCHEMA_H */
