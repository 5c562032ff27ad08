#ifndef VERSION_H
#define VERSION_H


#include "../../common/chat_version.h"


#endif /* VERSION_H */
