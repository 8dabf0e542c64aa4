/* When does a certificate end? Just as much of DER (X.690) as leads there. Pure. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "hallctl/doctor/facts.h"

enum { DER_MAX = 16384, SEQUENCE = 0x30, INTEGER = 0x02, VERSION = 0xa0, UTC = 0x17, FULL = 0x18 };

/* What is left to read. */
struct der {
    const unsigned char *at, *end;
};

/* The next value: its tag and its content, and goes on behind it. False: there is none whole. */
static bool take(struct der *der, int *ret_tag, struct der *ret_content)
{
    size_t length;

    if (der->end - der->at < 2)
        return false;
    *ret_tag = *der->at++;
    length = *der->at++;
    if (length & 0x80) {
        size_t bytes = length & 0x7f;

        if (bytes == 0 || bytes > 3 || (size_t)(der->end - der->at) < bytes)
            return false;
        for (length = 0; bytes > 0; bytes--)
            length = length << 8 | *der->at++;
    }
    if (length > (size_t)(der->end - der->at))
        return false;
    *ret_content = (struct der){der->at, der->at + length};
    der->at += length;
    return true;
}

static bool enter(struct der *der, int tag, struct der *ret_content)
{
    int found;

    return take(der, &found, ret_content) && found == tag;
}

/* YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ; of two digits 50 is 1950. */
static int read_time(int tag, struct der time, int64_t *ret_ms)
{
    const size_t length = (size_t)(time.end - time.at), wanted = tag == UTC ? 13 : 15;
    char text[32], full[20] = "";

    if ((tag != UTC && tag != FULL) || length != wanted)
        return -EBADMSG;
    snprintf(full, sizeof(full), "%s%.*s",
             tag == FULL         ? ""
             : time.at[0] >= '5' ? "19"
                                 : "20",
             (int)length, (const char *)time.at);
    if (strspn(full, "0123456789") != 14 || full[14] != 'Z')
        return -EBADMSG;
    snprintf(text, sizeof(text), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", full, full + 4, full + 6,
             full + 8, full + 10, full + 12);
    return rfc3339_parse(text, ret_ms) < 0 ? -EBADMSG : 0;
}

/* Certificate: TBSCertificate: [version,] serial, algorithm, issuer, validity (from, to). */
static int read_end(struct der der, int64_t *ret_end)
{
    struct der certificate, body, skipped, validity, time;
    int tag;

    if (!enter(&der, SEQUENCE, &certificate) || !enter(&certificate, SEQUENCE, &body) ||
        !take(&body, &tag, &skipped) || (tag == VERSION && !enter(&body, INTEGER, &skipped)) ||
        !enter(&body, SEQUENCE, &skipped) || !enter(&body, SEQUENCE, &skipped) ||
        !enter(&body, SEQUENCE, &validity) || !take(&validity, &tag, &skipped) ||
        !take(&validity, &tag, &time))
        return -EBADMSG;
    return read_time(tag, time, ret_end);
}

static int digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c != '\0' ? strchr(digits, c) : NULL;

    return found ? (int)(found - digits) : -1;
}

int certificate_end(const char *pem, size_t length, int64_t *ret_end)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----";
    const char *at = memmem(pem, length, begin, strlen(begin)), *end = pem + length;
    unsigned char der[DER_MAX];
    unsigned bits = 0, held = 0;
    size_t n = 0;

    if (!at)
        return -EBADMSG;
    for (at += strlen(begin); at < end && *at != '-' && *at != '='; at++) {
        if (*at == '\n' || *at == '\r')
            continue;
        if (digit(*at) < 0 || n == sizeof(der))
            return -EBADMSG;
        bits = bits << 6 | (unsigned)digit(*at);
        held += 6;
        if (held >= 8) {
            held -= 8;
            der[n++] = (unsigned char)(bits >> held);
        }
    }
    return read_end((struct der){der, der + n}, ret_end);
}
