#include "uuid.h"

#include "chat_char.h"


#define UUID_TEXT  36


int
uuid_parse(uint8_t uuid[UUID_LEN], chat_str_t text)
{
    int     high, low;
    size_t  i, n = 0;

    if (text.len != UUID_TEXT) {
        return -1;
    }

    for (i = 0; i < UUID_TEXT; i += 2) {

        if (i == 8 || i == 13 || i == 18 || i == 23) {

            if (text.data[i] != '-') {
                return -1;
            }

            i++;
        }

        high = chat_char_hex_value(text.data[i]);
        low = chat_char_hex_value(text.data[i + 1]);

        if (high == -1 || low == -1) {
            return -1;
        }

        uuid[n++] = (uint8_t) (high << 4 | low);
    }

    return 0;
}
