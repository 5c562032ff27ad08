/*
 * The version of all programs and of the module, and of the schema that they
 * belong to.
 */

#ifndef CHAT_VERSION_H
#define CHAT_VERSION_H


#define CHAT_VERSION  "0.6.0"

/* of the newest file in sql/ */

#define CHAT_SCHEMA_VERSION  7


#endif /* CHAT_VERSION_H */
