/*
 * A message as sd-bus hands it over: of any form, for any sender may answer in logind's place.
 * Input: the first byte chooses the reader; then each byte is a step that builds the message: a
 * text of what follows, a number, a container of one of the forms below, its end.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/text.h"
#include "bridges/agent/logind/logind_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    char type;
    const char *contents;
} forms[] = {
    {'a', "(susso)"}, {'a', "(ssssuu)"}, {'a', "(ssssssouso)"}, {'a', "{sv}"},    {'a', "s"},
    {'r', "susso"},   {'r', "ssssuu"},   {'r', "ssssssouso"},   {'e', "sv"},      {'v', "s"},
    {'v', "b"},       {'v', "as"},       {'v', "a{sv}"},        {'a', "(susbo)"}, {'r', "s"},
};

/* A bus that leads nowhere: messages need one. */
static sd_bus *open_bus(void)
{
    sd_bus *bus = NULL;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0 ||
        sd_bus_new(&bus) < 0 || sd_bus_set_fd(bus, ends[0], ends[0]) < 0 || sd_bus_start(bus) < 0)
        abort();
    return bus;
}

/* The next step; returns how much of the input it took. */
static size_t step(sd_bus_message *message, const uint8_t *data, size_t size, unsigned *depth)
{
    const uint8_t what = data[0];
    char text[200];
    size_t length = 0;
    if (what < ARRAY_SIZE(forms)) {
        if (sd_bus_message_open_container(message, forms[what].type, forms[what].contents) >= 0)
            ++*depth;
        return 1;
    }
    if (what < 32 && *depth > 0) {
        if (sd_bus_message_close_container(message) >= 0)
            --*depth;
        return 1;
    }
    if (what < 48) {
        const uint32_t number = size > 1 ? data[1] : 0;
        (void)sd_bus_message_append_basic(message, what & 1 ? 'u' : 'b', &number);
        return size > 1 ? 2 : 1;
    }
    while (length + 1 < size && length < sizeof text - 1 &&
           (data[length + 1] >= 64 || data[length + 1] == ':'))
        length++;
    memcpy(text, data + 1, length);
    text[length] = '\0';
    if (what & 1)
        (void)sd_bus_message_append_basic(message, 's', text);
    else
        (void)sd_bus_message_append_basic(message, 'o', length % 2 ? "/a" : "/");
    return length + 1;
}

static void check(const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    assert(length < size && !text_has_control(text) && text_is_utf8(text, length));
}

static void take_session(void *context, const char *user, const char *seat, const char *path)
{
    size_t *taken = context;
    assert(user && seat && path && path[0] == '/');
    ++*taken;
}

static void read_session(sd_bus_message *reply)
{
    struct logind_session session = {.class = "user"};
    (void)logind_read_session(reply, &session);
    check(session.state, sizeof session.state);
    check(session.class, sizeof session.class);
    check(session.host, sizeof session.host);
}

static void read_inhibitors(sd_bus_message *reply)
{
    struct logind_inhibitors list = {0};
    (void)logind_read_inhibitors(reply, &list);
    assert(list.n <= LOGIND_INHIBITORS_MAX);
    for (size_t i = 0; i < list.n; i++) {
        check(list.list[i].who, sizeof list.list[i].who);
        check(list.list[i].why, sizeof list.list[i].why);
        check(list.list[i].what, sizeof list.list[i].what);
        check(list.list[i].mode, sizeof list.list[i].mode);
        assert(!(logind_inhibits_sleep(&list.list[i]) && logind_inhibits_idle(&list.list[i])));
    }
    (void)logind_is_inhibited(&list);
}

static void read_units(sd_bus_message *reply)
{
    struct logind_units list = {0};
    (void)logind_read_units(reply, &list);
    assert(list.n <= LOGIND_UNITS_MAX);
    for (size_t i = 0; i < list.n; i++) {
        check(list.list[i].name, sizeof list.list[i].name);
        check(list.list[i].sub, sizeof list.list[i].sub);
    }
}

static void read_reply(uint8_t which, sd_bus_message *reply)
{
    size_t taken = 0;
    const char *word = NULL;
    switch (which % 5) {
    case 0:
        (void)logind_read_sessions(reply, take_session, &taken);
        break;
    case 1:
        read_session(reply);
        break;
    case 2:
        read_inhibitors(reply);
        break;
    case 3:
        read_units(reply);
        break;
    default:
        if (sd_bus_message_read(reply, "s", &word) > 0)
            assert(logind_read_answer(word) <= LOGIND_STRANGE);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static sd_bus *bus;
    sd_bus_message *message = NULL;
    unsigned depth = 0;
    if (!bus)
        bus = open_bus();
    if (size < 1 || size > 4096 ||
        sd_bus_message_new_method_call(bus, &message, "a.b", "/a", "a.b", "C") < 0)
        return 0;
    for (size_t at = 1; at < size;)
        at += step(message, data + at, size - at, &depth);
    while (depth > 0 && sd_bus_message_close_container(message) >= 0)
        depth--;
    if (sd_bus_message_seal(message, 1, 0) >= 0 && sd_bus_message_rewind(message, 1) >= 0)
        read_reply(data[0], message);
    sd_bus_message_unref(message);
    return 0;
}
