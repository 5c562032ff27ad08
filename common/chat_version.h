/*
 * The version of all programs and of the module.
 */

#ifndef CHAT_VERSION_H
#define CHAT_VERSION_H


#define CHAT_VERSION  "0.6.0"


#endif /* CHAT_VERSION_H */
