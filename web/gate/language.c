#include "web/gate/language.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A weight, RFC 9110 12.4.2, in thousandths; what is none counts as nothing. */
static int read_weight(const char *text)
{
    double weight = strtod(text, NULL);
    return weight >= 1 ? 1000 : weight > 0 ? (int)(weight * 1000) : 0;
}

/* One entry of the list, "fr-CA;q=0.8", at most raises what it speaks for. */
static void weigh_entry(const char *entry, int quality[LANGUAGES], int *any)
{
    static const char *const tags[LANGUAGES] = {
        [LANGUAGE_ENGLISH] = "en", [LANGUAGE_FRENCH] = "fr"};
    size_t tag = strcspn(entry, ",; \t");
    const char *q = entry + tag + strspn(entry + tag, " \t");
    int value = 1000;

    if (*q == ';') {
        q += 1 + strspn(q + 1, " \t");
        value = strncasecmp(q, "q=", 2) == 0 ? read_weight(q + 2) : value;
    }
    if (tag == 1 && *entry == '*')
        *any = value;
    for (int i = 0; i < LANGUAGES; i++) {
        bool same =
            tag >= 2 && strncasecmp(entry, tags[i], 2) == 0 && (tag == 2 || entry[2] == '-');
        if (same && value > quality[i])
            quality[i] = value;
    }
}

enum language language_choose(const char *accept)
{
    int quality[LANGUAGES] = {-1, -1}; /* thousandths; -1: not named */
    int any = -1;

    for (unsigned n = 0; accept && *accept != '\0' && n < 32; n++) {
        accept += strspn(accept, " \t,");
        weigh_entry(accept, quality, &any);
        accept += strcspn(accept, ",");
    }
    if (quality[LANGUAGE_ENGLISH] < 0)
        quality[LANGUAGE_ENGLISH] = any;
    bool french =
        quality[LANGUAGE_FRENCH] > 0 && quality[LANGUAGE_FRENCH] > quality[LANGUAGE_ENGLISH];
    return french ? LANGUAGE_FRENCH : LANGUAGE_ENGLISH;
}
