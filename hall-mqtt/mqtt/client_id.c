#include "mqtt/client_id.h"

#include <crypt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <systemd/sd-id128.h>

#include "base/buf.h"
#include "base/clock.h"

enum {
    SALT_LENGTH = 16,  /* the most that SHA-512 crypt uses */
    PHRASE_MOST = 400, /* crypt takes 512 */
    ID_LENGTH = CLIENT_ID_SIZE - 1,
};

/* SHA-512 crypt with its usual 5000 rounds. */
static const char method[] = "$6$";

/* crypt writes six bits a digit; an id has five a letter. */
static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";

static unsigned bits_of(char digit)
{
    const char *found = strchr(digits, digit);
    return found ? (unsigned)(found - digits) % 32 : 0;
}

/* The machine's id itself is for nobody else to see. */
static bool read_machine(char ret_salt[static SALT_LENGTH + 1])
{
    const sd_id128_t application =
        SD_ID128_MAKE(6c, 1d, 4e, 8b, 93, 07, 4f, 2a, b8, 55, e0, 3c, 71, a9, d2, 64);
    char text[SD_ID128_STRING_MAX];
    sd_id128_t id;
    if (sd_id128_get_machine_app_specific(application, &id) < 0)
        return false;
    snprintf(ret_salt, SALT_LENGTH + 1, "%.16s", sd_id128_to_string(id, text));
    return true;
}

/* One part of the phrase after the other; what comes out of each is the salt of the next. Returns
 * the digits of the last, or NULL. */
static const char *digest(struct crypt_data *data, const char *phrase, const char *machine)
{
    char setting[sizeof(method) + SALT_LENGTH], part[PHRASE_MOST + 1];
    const char *result = machine;
    do {
        snprintf(setting, sizeof(setting), "%s%.*s", method, SALT_LENGTH, result);
        snprintf(part, sizeof(part), "%s", phrase);
        phrase += strlen(part);
        result = crypt_r(part, setting, data);
        if (!result || strncmp(result, method, strlen(method)) != 0)
            return NULL;
        result = strrchr(result, '$') + 1;
    } while (*phrase != '\0');
    return strlen(result) >= ID_LENGTH ? result : NULL;
}

static void spell(const char *role, const char *random, char ret_id[static CLIENT_ID_SIZE])
{
    size_t length = (size_t)snprintf(ret_id, CLIENT_ID_SIZE, "%.8s-", role);
    while (length < ID_LENGTH)
        ret_id[length++] = letters[bits_of(*random++)];
    ret_id[length] = '\0';
}

static void wipe(void *memory, size_t size)
{
    if (memory)
        explicit_bzero(memory, size);
}

static bool derive(const struct client_id_owner *owner, const char *machine,
                   char ret_id[static CLIENT_ID_SIZE])
{
    struct crypt_data *data = calloc(1, sizeof(*data));
    struct buf phrase = BUF_INIT(1 << 16);
    buf_printf(&phrase, "%s\n%s\n%s\n%s\n%s", owner->role, owner->name, owner->base_topic,
               owner->username ? owner->username : "", owner->password ? owner->password : "");
    const char *result =
        data && buf_error(&phrase) == 0 ? digest(data, buf_text(&phrase), machine) : NULL;
    const bool derived = result;
    if (derived)
        spell(owner->role, result, ret_id);
    wipe(data, sizeof(*data));
    wipe(phrase.text, phrase.length);
    free(data);
    buf_finish(&phrase);
    return derived;
}

void client_id_derive(const struct client_id_owner *owner, char ret_id[static CLIENT_ID_SIZE])
{
    char machine[SALT_LENGTH + 1] = "nomachine";
    const bool known = read_machine(machine);
    if ((!known && !owner->password) || !derive(owner, machine, ret_id))
        client_id_random(owner->role, ret_id);
}

void client_id_random(const char *role, char ret_id[static CLIENT_ID_SIZE])
{
    unsigned char bytes[ID_LENGTH];
    char random[ID_LENGTH];
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (unsigned char)(clock_boot_ns() >> i);
    for (size_t i = 0; i < sizeof(bytes); i++)
        random[i] = digits[bytes[i] % 64];
    spell(role, random, ret_id);
}
