#include "chat_presence.h"


static const struct {
    const char  *name;
    char         letter;
} chat_presences[] = {
    [CHAT_PRESENCE_ONLINE]    = { "online", 'o' },
    [CHAT_PRESENCE_AWAY]      = { "away", 'a' },
    [CHAT_PRESENCE_BUSY]      = { "busy", 'b' },
    [CHAT_PRESENCE_INVISIBLE] = { "invisible", 'i' },
    [CHAT_PRESENCE_OFFLINE]   = { "offline", 'f' }
};


const char *
chat_presence_name(chat_presence_e presence)
{
    return chat_presences[presence].name;
}


char
chat_presence_letter(chat_presence_e presence)
{
    return chat_presences[presence].letter;
}


chat_rc_e
chat_presence_read(chat_presence_e *presence, char letter)
{
    unsigned  i;

    for (i = 0; i <= CHAT_PRESENCE_OFFLINE; i++) {
        if (chat_presences[i].letter == letter) {
            *presence = i;
            return CHAT_OK;
        }
    }

    return CHAT_ERROR;
}
