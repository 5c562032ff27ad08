#ifndef VERSION_H
#define VERSION_H


#define CHAT_VERSION  "0.4.0"


#endif /* VERSION_H */
