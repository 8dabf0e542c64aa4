#include "words/relay_words.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"

enum { SHOWN_SIZE = 48, DEFAULT_PORT = 9 };

static const char *const outcome_names[] = {
    [RELAY_DONE] = "done", [RELAY_REFUSED] = "refused", [RELAY_FAILED] = "failed"};
enum { OUTCOMES = ARRAY_SIZE(outcome_names) };

const char *relay_outcome_name(enum relay_outcome outcome)
{
    return outcome_names[outcome];
}

__attribute__((format(printf, 2, 3))) static int refuse(char ret_reason[REASON_SIZE],
                                                        const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(ret_reason, REASON_SIZE, format, args);
    va_end(args);
    return -EINVAL;
}

/* ---- writing ---- */

int relay_write_request(const struct relay_request *request, struct buf *out)
{
    struct json_writer json;
    char mac[MAC_TEXT_SIZE], secureon[MAC_TEXT_SIZE], broadcast[INET_ADDRSTRLEN];
    json_writer_init(&json, out);
    json_begin_object(&json, NULL);
    json_put_string(&json, "id", request->id);
    json_put_string(&json, "mac", text_format_mac(request->mac, mac));
    for (size_t i = 0; i < request->secureon_length; i++)
        snprintf(secureon + 3 * i, sizeof(secureon) - 3 * i,
                 i + 1 < request->secureon_length ? "%02x:" : "%02x", request->secureon[i]);
    json_put_string(&json, "secureon", request->secureon_length > 0 ? secureon : NULL);
    json_put_string(&json, "broadcast",
                    request->broadcast.s_addr != 0
                        ? inet_ntop(AF_INET, &request->broadcast, broadcast, sizeof(broadcast))
                        : NULL);
    json_put_integer(&json, "port", request->port);
    json_put_time(&json, "expires", request->expires);
    json_end_object(&json);
    return buf_error(out);
}

int relay_write_result(const struct relay_result *result, struct buf *out)
{
    struct json_writer json;
    json_writer_init(&json, out);
    json_begin_object(&json, NULL);
    json_put_string(&json, "id", result->id[0] != '\0' ? result->id : NULL);
    json_put_string(&json, "outcome", outcome_names[result->outcome]);
    json_put_string(&json, "reason", result->reason[0] != '\0' ? result->reason : NULL);
    json_end_object(&json);
    return buf_error(out);
}

/* ---- reading ---- */

/* The value; NULL where it is absent or null. */
static const struct json *value_of(const struct json *root, const char *key)
{
    const struct json *value = json_get(root, key);
    return value && json_type(value) == JSON_NULL ? NULL : value;
}

static int read_id(const struct json *root, char out[COMMAND_ID_SIZE], char ret_reason[REASON_SIZE])
{
    const char *id = json_get_string(root, "id");
    if (!id || id[0] == '\0' || strlen(id) >= COMMAND_ID_SIZE || text_has_control(id))
        return refuse(ret_reason, "\"id\" is missing or no id; allowed: 1 to %d printable bytes",
                      COMMAND_ID_SIZE - 1);
    text_copy(out, COMMAND_ID_SIZE, id);
    return 0;
}

static int read_mac(const struct json *root, struct relay_request *request,
                    char ret_reason[REASON_SIZE])
{
    static const uint8_t none[6];
    const char *text = json_get_string(root, "mac");
    if (!text || text_parse_mac(text, request->mac) < 0 || (request->mac[0] & 1) != 0 ||
        memcmp(request->mac, none, sizeof(none)) == 0)
        return refuse(ret_reason, "\"mac\" is missing or no MAC of one machine; allowed: as "
                                  "\"aa:bb:cc:dd:ee:01\"");
    return 0;
}

/* Four bytes are the first four of a MAC as it were. */
static int read_secureon(const struct json *root, struct relay_request *request,
                         char ret_reason[REASON_SIZE])
{
    const struct json *value = value_of(root, "secureon");
    const char *text = json_string(value);
    char whole[MAC_TEXT_SIZE + 1];
    const size_t length = text ? strlen(text) : 0;
    if (!value)
        return 0;
    if (length == 11 || length == 17) {
        snprintf(whole, sizeof(whole), "%s%s", text, length == 11 ? ":00:00" : "");
        request->secureon_length = length == 11 ? 4 : 6;
        if (text_parse_mac(whole, request->secureon) == 0)
            return 0;
    }
    return refuse(ret_reason, "\"secureon\" is no password; allowed: null, 4 or 6 bytes as "
                              "\"11:22:33:44\"");
}

static int read_target(const struct json *root, struct relay_request *request,
                       char ret_reason[REASON_SIZE])
{
    const struct json *broadcast = value_of(root, "broadcast"), *port = value_of(root, "port");
    int64_t number = DEFAULT_PORT;
    if (broadcast && (!json_string(broadcast) ||
                      text_parse_ipv4(json_string(broadcast), &request->broadcast) < 0 ||
                      ntohl(request->broadcast.s_addr) >> 24 == 0 ||
                      IN_MULTICAST(ntohl(request->broadcast.s_addr))))
        return refuse(ret_reason,
                      "\"broadcast\" is no address; allowed: null, or as \"192.168.1.255\"");
    if (port && (!json_integer(port, &number) || number < 1 || number > UINT16_MAX))
        return refuse(ret_reason, "\"port\" is no port; allowed: null, or 1 to 65535");
    request->port = (uint16_t)number;
    return 0;
}

static int read_expiry(const struct json *root, struct relay_request *request,
                       char ret_reason[REASON_SIZE])
{
    const char *text = json_get_string(root, "expires");
    if (!text || rfc3339_parse(text, &request->expires) < 0)
        return refuse(ret_reason, "\"expires\" is missing or no time; allowed: as "
                                  "\"2026-11-25T10:00:00Z\"");
    return 0;
}

int relay_read_request(const void *payload, size_t length, struct relay_request *ret_request,
                       char ret_reason[REASON_SIZE])
{
    struct json *root = NULL;
    struct relay_request request = {0};
    int error = json_read_object(payload, length, &root, ret_reason, REASON_SIZE);
    *ret_request = request;
    if (error < 0)
        return error;
    error = read_id(root, request.id, ret_reason);
    text_copy(ret_request->id, sizeof(ret_request->id), request.id);
    if (error == 0)
        error = read_mac(root, &request, ret_reason);
    if (error == 0)
        error = read_secureon(root, &request, ret_reason);
    if (error == 0)
        error = read_target(root, &request, ret_reason);
    if (error == 0)
        error = read_expiry(root, &request, ret_reason);
    json_free(root);
    if (error == 0)
        *ret_request = request;
    return error;
}

static int read_outcome(const struct json *root, struct relay_result *result,
                        char ret_reason[REASON_SIZE])
{
    const char *text = json_get_string(root, "outcome");
    for (unsigned i = 0; i < OUTCOMES; i++)
        if (text_equal(outcome_names[i], text)) {
            result->outcome = (enum relay_outcome)i;
            return 0;
        }
    return refuse(ret_reason, "\"outcome\" is missing or unknown; allowed: done, refused, failed");
}

int relay_read_result(const void *payload, size_t length, struct relay_result *ret_result,
                      char ret_reason[REASON_SIZE])
{
    struct json *root = NULL;
    struct relay_result result = {0};
    int error = json_read_object(payload, length, &root, ret_reason, REASON_SIZE);
    if (error < 0)
        return error;
    const char *reason = json_get_string(root, "reason");
    error = read_id(root, result.id, ret_reason);
    if (error == 0)
        error = read_outcome(root, &result, ret_reason);
    if (error == 0 && reason)
        text_show(result.reason, sizeof(result.reason), reason, strlen(reason));
    json_free(root);
    if (error == 0)
        *ret_result = result;
    return error;
}

int relay_read_state(const void *payload, size_t length, bool *ret_online,
                     char ret_reason[REASON_SIZE])
{
    static const char *const words[] = {"offline", "online"};
    char shown[SHOWN_SIZE];
    for (unsigned i = 0; i < 2; i++)
        if (strlen(words[i]) == length && memcmp(words[i], payload, length) == 0) {
            *ret_online = i == 1;
            return 0;
        }
    return refuse(ret_reason, "its state is \"%s\"; allowed: online, offline",
                  text_show(shown, sizeof(shown), payload, length));
}
