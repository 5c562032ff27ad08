#include "number.h"


int
number_parse(chat_str_t text, uint64_t max, uint64_t *n)
{
    size_t    i;
    uint64_t  value = 0, digit;

    if (text.len == 0) {
        return -1;
    }

    for (i = 0; i < text.len; i++) {

        if (text.data[i] < '0' || text.data[i] > '9') {
            return -1;
        }

        digit = text.data[i] - '0';

        if (digit > max || value > (max - digit) / 10) {
            return -1;
        }

        value = value * 10 + digit;
    }

    *n = value;

    return 0;
}
