/*
 * wording: what an error of a configuration says was found and what is allowed, as data: a kind of
 * a closed list with its parameters. Its table has the name of each kind, for programs, and its
 * words in each language, for people. Pure; texts of a phrase are borrowed.
 */
#ifndef HALL_CONFIG_WORDING_H
#define HALL_CONFIG_WORDING_H

#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"

/* Of those who read errors, and of the names that Hall gives things where it does not know who
 * reads. */
enum config_language { CONFIG_ENGLISH, CONFIG_FRENCH };
enum { CONFIG_LANGUAGES = CONFIG_FRENCH + 1 };

enum wording {
    WORDING_NONE,
    /* what was found */
    WORDING_VALUE,
    WORDING_ARRAY,
    WORDING_OBJECT,
    WORDING_NOTHING,
    WORDING_LONG_TEXT,
    WORDING_ENTRIES,
    WORDING_EMPTY_NAME,
    WORDING_NAME,
    WORDING_UNKNOWN_KEY,
    WORDING_A_SECRET,
    WORDING_NONE_OF_THEM,
    WORDING_SEVERAL,
    WORDING_NO_SERVER,
    WORDING_SHARED,
    WORDING_ITSELF,
    WORDING_SERVER_TWICE,
    WORDING_CYCLE,
    WORDING_HOST_TWICE,
    WORDING_PATH_OF,
    WORDING_PROJECT_TWICE,
    WORDING_CHECKS,
    WORDING_OWN_TOPIC,
    WORDING_EMPTY_WINDOW,
    WORDING_SAME_WINDOW,
    WORDING_DATE_TWICE,
    WORDING_DATES_ALONE,
    WORDING_NO_WINDOW,
    WORDING_MODE_MISSING,
    WORDING_WINDOWS_WITH,
    WORDING_OTHERWISE_WITH,
    WORDING_QUOTA_TWICE,
    WORDING_RULE_FOR_ALL,
    WORDING_OTHER_WAY,
    WORDING_HEADER_TWICE,
    WORDING_NOT_SET,
    /* what is allowed, of texts */
    WORDING_ANY_TEXT,
    WORDING_TEXT,
    WORDING_SLUG,
    WORDING_METHOD,
    WORDING_ZONE,
    WORDING_INTERFACE,
    WORDING_FILE,
    WORDING_CONTAINER,
    WORDING_IPV4,
    WORDING_MACHINE,
    WORDING_ONE_MACHINE,
    WORDING_CIDR,
    WORDING_ENDPOINT,
    WORDING_MAC,
    WORDING_ONE_MAC,
    WORDING_SECUREON,
    WORDING_DAYS,
    WORDING_TIME_FROM,
    WORDING_TIME_TO,
    WORDING_DATE,
    WORDING_USER,
    WORDING_HOST_KEY,
    WORDING_KEY_FILE,
    WORDING_HEADER,
    WORDING_FREE_HEADER,
    WORDING_VARIABLE,
    WORDING_FREE_VARIABLE,
    WORDING_HOST,
    WORDING_ASCII_HOST,
    WORDING_HOST_ALONE,
    WORDING_HTTP_URL,
    WORDING_UPSTREAM_URL,
    WORDING_URL_WITHOUT_USER,
    WORDING_MQTT_URL,
    WORDING_MQTT_UNIX,
    WORDING_MQTT_WITHOUT_USER,
    WORDING_PATH,
    WORDING_PATH_SLASH,
    WORDING_PATH_END,
    WORDING_HEALTH,
    WORDING_TOPIC,
    WORDING_RATE,
    WORDING_PROCESS,
    WORDING_PROGRAM,
    /* what is allowed, of other values */
    WORDING_INTEGER,
    WORDING_INTEGER_OR_NONE,
    WORDING_NUMBER,
    WORDING_BOOL,
    WORDING_DURATION,
    WORDING_CHOICE,
    WORDING_STATUS,
    WORDING_LIST,
    WORDING_LIST_OR_BOOL,
    WORDING_ONE_OR_LIST,
    WORDING_AT_MOST,
    WORDING_SHORT_TEXT,
    WORDING_KEYS,
    WORDING_NEAR_KEY,
    WORDING_ONE_KEY,
    WORDING_PUT_IN,
    WORDING_PUT_HASH_IN,
    /* what is allowed beside the rest of the file */
    WORDING_SERVER,
    WORDING_NEAR_SERVER,
    WORDING_OWN_MAC,
    WORDING_OWN_ADDRESS,
    WORDING_OTHER_SERVERS,
    WORDING_SERVER_ONCE,
    WORDING_NO_CYCLE,
    WORDING_HOST_ONCE,
    WORDING_OWN_PATH,
    WORDING_UNIQUE_IDS,
    WORDING_OTHER_PREFIX,
    WORDING_OTHER_END,
    WORDING_WINDOW_ONCE,
    WORDING_DATE_ONCE,
    WORDING_WINDOWS_OR_NO_DATES,
    WORDING_A_WINDOW,
    WORDING_A_MODE,
    WORDING_NO_WINDOWS,
    WORDING_WHEN_SCHEDULED,
    WORDING_QUOTA_ONCE,
    WORDING_RULE_KEY,
    WORDING_SSH_USER,
    WORDING_SSH_KEY,
    WORDING_SSH_HOST_KEY,
    WORDING_WEBHOOK_URL,
    WORDING_VIA_OR_NONE,
    WORDING_HEADER_ONCE,
    WORDING_SET_VARIABLE,
    WORDING_FRAME_INTERFACE,
    /* what is wrong with a file or variable as a whole */
    WORDING_SAID,
    WORDING_UNREADABLE,
    WORDING_ABSENT,
    WORDING_DENIED,
    WORDING_DIRECTORY,
    WORDING_NOT_REGULAR,
    WORDING_TOO_LARGE,
    WORDING_NO_MEMORY,
    WORDING_MORE,
    WORDING_LAST_GOOD,
    WORDING_NOT_PLAIN,
    WORDING_TOO_LONG,
    WORDING_NO_CREDENTIAL,
    WORDING_OTHERS_MAY_READ,
    WORDING_SETTING,
};
enum { WORDINGS = WORDING_SETTING + 1, PHRASE_PARAMS_MAX = 2, PHRASE_SIZE = 1024 };

struct phrase {
    enum wording kind;
    enum wording format; /* of SHORT_TEXT and SETTING: what text it has to be */
    const char *texts[2];
    int64_t numbers[2];
};

/* PHRASE(AT_MOST, .numbers = {24}). Where there is only a kind, PHRASE_OF gets an empty second
 * argument: C17 asks for one. */
#define PHRASE(...)              PHRASE_OF(__VA_ARGS__, )
#define PHRASE_OF(wording_, ...) ((struct phrase){.kind = WORDING_##wording_, __VA_ARGS__})

/* "an array of at most 24" */
void phrase_say(const struct phrase *phrase, enum config_language language, struct buf *out);
/* The same in English, cut where the room ends. Returns out. */
char *phrase_english(const struct phrase *phrase, char out[PHRASE_SIZE]);
/* {"code":"list","most":24}; null for WORDING_NONE. */
void phrase_put(struct json_writer *json, const char *key, const struct phrase *phrase);

const char *wording_name(enum wording wording); /* "list"; NONE is NULL */
/* Its words, with {most} where a parameter stands. */
const char *wording_text(enum wording wording, enum config_language language);

#endif
