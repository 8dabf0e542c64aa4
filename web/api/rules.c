/* One address allowed or denied at one domain: the configuration is written anew with that changed,
 * and nothing else, in the usual layout. */
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/text.h"
#include "web/api/api_internal.h"

enum rule { RULE_ALLOW, RULE_DENY, RULE_FORGET };

struct edit {
    struct json_writer writer;
    enum rule rule;
    const char *address, *domain;
};

/* What becomes of a list: without the address, and with it where it is to be. */
static void put_list(struct edit *edit, const char *key, const struct json *old, bool with)
{
    const struct json *item = old ? json_first(old) : NULL;
    json_begin_array(&edit->writer, key);
    for (; item; item = json_next(item))
        if (!text_equal(json_string(item), edit->address))
            json_put_value(&edit->writer, NULL, item);
    if (with)
        json_put_string(&edit->writer, NULL, edit->address);
    json_end_array(&edit->writer);
}

/* A list that is empty lets everyone in: who is allowed among everyone needs no list, and the last
 * one of a list is not taken out. */
static void put_allow(struct edit *edit, const struct json *old)
{
    const size_t n = old ? json_count(old) : 0;
    const bool last = n == 1 && text_equal(json_string(json_first(old)), edit->address);
    if (n == 0 && !old)
        return;
    put_list(edit, "allow", old, n > 0 && (edit->rule == RULE_ALLOW || last));
}

static void put_access(struct edit *edit, const struct json *access)
{
    const struct json *member = access ? json_first(access) : NULL;
    json_begin_object(&edit->writer, "access");
    put_allow(edit, access ? json_get(access, "allow") : NULL);
    const struct json *old = access ? json_get(access, "deny") : NULL;
    if (old || edit->rule == RULE_DENY)
        put_list(edit, "deny", old, edit->rule == RULE_DENY);
    for (; member; member = json_next(member))
        if (strcmp(json_key(member), "allow") != 0 && strcmp(json_key(member), "deny") != 0)
            json_put_value(&edit->writer, json_key(member), member);
    json_end_object(&edit->writer);
}

static void put_domain(struct edit *edit, const struct json *domain)
{
    bool seen = false;
    json_begin_object(&edit->writer, json_key(domain));
    for (const struct json *member = json_first(domain); member; member = json_next(member)) {
        if (strcmp(json_key(member), "access") == 0) {
            put_access(edit, member);
            seen = true;
        } else {
            json_put_value(&edit->writer, json_key(member), member);
        }
    }
    if (!seen)
        put_access(edit, NULL);
    json_end_object(&edit->writer);
}

static void put_root(struct edit *edit, const struct json *root)
{
    json_begin_object(&edit->writer, NULL);
    for (const struct json *member = json_first(root); member; member = json_next(member)) {
        if (strcmp(json_key(member), "domains") != 0) {
            json_put_value(&edit->writer, json_key(member), member);
            continue;
        }
        json_begin_object(&edit->writer, "domains");
        for (const struct json *domain = json_first(member); domain; domain = json_next(domain)) {
            if (strcasecmp(json_key(domain), edit->domain) == 0)
                put_domain(edit, domain);
            else
                json_put_value(&edit->writer, json_key(domain), domain);
        }
        json_end_object(&edit->writer);
    }
    json_end_object(&edit->writer);
}

/* ---- layout ---- */

static void new_line(struct buf *out, int depth)
{
    buf_putc(out, '\n');
    for (int i = 0; i < depth; i++)
        buf_puts(out, "  ");
}

/* How long what begins here is, up to its bracket; text is JSON without blanks outside strings. */
static size_t extent(const char *text)
{
    size_t at = 0;
    int depth = 0;
    bool within = false;
    do {
        const char c = text[at++];
        if (within && c == '\\')
            at++;
        else if (c == '"')
            within = !within;
        else if (!within && (c == '{' || c == '['))
            depth++;
        else if (!within && (c == '}' || c == ']'))
            depth--;
    } while (depth > 0 || within);
    return at;
}

/* Copies a string with its quotes; what is behind it. */
static const char *copy_string(const char *text, struct buf *out)
{
    size_t at = 1;
    while (text[at] != '"')
        at += text[at] == '\\' ? 2 : 1;
    buf_add(out, text, at + 1);
    return text + at + 1;
}

/* Short lists stay on one line, with a blank behind commas and colons. */
static void lay_out(const char *text, struct buf *out)
{
    enum { SHORT = 76 };
    int depth = 0;
    size_t flat = 0; /* bytes that stay on this line */
    while (*text != '\0') {
        const char c = *text;
        const char *before = text;
        if (c == '"') {
            text = copy_string(text, out);
        } else {
            text++;
            if (flat == 0 && (c == '{' || c == '[') && extent(before) <= SHORT)
                flat = extent(before);
            if (flat == 0 && (c == '}' || c == ']'))
                new_line(out, --depth);
            buf_putc(out, c);
            if (c == ':' || (c == ',' && flat > 0))
                buf_putc(out, ' ');
            else if (flat == 0 && c == ',')
                new_line(out, depth);
            else if (flat == 0 && (c == '{' || c == '['))
                new_line(out, ++depth);
        }
        flat -= flat > 0 ? (size_t)(text - before) : 0;
    }
    buf_putc(out, '\n');
}

/* ---- the route ---- */

static bool has_domain(const struct json *root, const char *name)
{
    const struct json *domains = json_get(root, "domains");
    const struct json *domain = domains ? json_first(domains) : NULL;
    for (; domain; domain = json_next(domain))
        if (strcasecmp(json_key(domain), name) == 0 && json_type(domain) == JSON_OBJECT)
            return true;
    return false;
}

static void apply(struct api_call *call, struct edit *edit, const struct json *root)
{
    struct buf flat = BUF_INIT(API_CONFIG_MAX), text = BUF_INIT(API_CONFIG_MAX);
    json_writer_init(&edit->writer, &flat);
    put_root(edit, root);
    if (buf_error(&flat) == 0)
        lay_out(buf_text(&flat), &text);
    if (buf_error(&flat) < 0 || buf_error(&text) < 0)
        api_problem(call, 503, "The configuration would be longer than 256 KiB.");
    else
        api_file_replace(call, buf_text(&text), text.length);
    buf_finish(&flat);
    buf_finish(&text);
}

static void edit_file(struct api_call *call, struct edit *edit)
{
    struct buf text = BUF_INIT(API_CONFIG_MAX);
    struct json *root = NULL;
    struct json_error error;
    if (!api_file_read(call, &text)) {
        buf_finish(&text);
        return;
    }
    if (json_read(buf_text(&text), text.length, &api_limits, &root, &error) < 0)
        api_problem(call, 409, "The file as it stands cannot be read: %s.", error.what);
    else if (!has_domain(root, edit->domain))
        api_problem(call, 404, "No domain of that name is configured.");
    else
        apply(call, edit, root);
    json_free(root);
    buf_finish(&text);
}

static bool read_rule(struct api_call *call, const struct json *body, struct edit *edit)
{
    static const char *const keys[] = {"action", "address", "domain", NULL};
    static const char *const names[] = {"allow", "deny", "forget"};
    const char *action = json_get_string(body, "action");
    struct cidr range;
    edit->address = json_get_string(body, "address");
    edit->domain = json_get_string(body, "domain");
    edit->rule = RULE_ALLOW;
    while (action && edit->rule <= RULE_FORGET && strcmp(names[edit->rule], action) != 0)
        edit->rule++;
    if (!api_keys(call, body, keys))
        return false;
    if (!action || edit->rule > RULE_FORGET)
        api_problem(call, 400, "\"action\" is not understood; allowed: allow, deny, forget.");
    else if (!edit->address || cidr_parse(edit->address, &range) < 0)
        api_problem(call, 400,
                    "\"address\" is not understood; allowed: an address, or a range as "
                    "\"192.168.1.0/24\" or \"2001:db8::/32\".");
    else if (!edit->domain)
        api_problem(call, 400, "\"domain\" is missing.");
    else
        return true;
    return false;
}

void api_rules(struct api_call *call)
{
    struct edit edit = {0};
    struct json *body = NULL;
    if (!api_body(call, false, &body))
        return;
    if (read_rule(call, body, &edit)) {
        pthread_mutex_lock(&call->api->file_lock);
        edit_file(call, &edit);
        pthread_mutex_unlock(&call->api->file_lock);
    }
    json_free(body);
}
