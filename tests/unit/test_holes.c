#include <string.h>

#include "base/array.h"
#include "base/holes.h"
#include "unit.h"

static const char *const names[] = {"server", "why", "none", NULL};
static const char *const values[] = {"testing", "{why} [it]", NULL};

static enum hole find(const void *of, const char *name, size_t length)
{
    const int place = holes_place(of, name, length);

    return place < 0 ? HOLE_NONE : values[place] ? HOLE_FILLED : HOLE_EMPTY;
}

static void put(const void *of, const char *name, size_t length, struct buf *out)
{
    const char *value = values[holes_place(of, name, length)];

    buf_puts(out, value ? value : "?");
}

static void test_texts(void **state)
{
    static const struct {
        const char *text, *filled;
    } cases[] = {
        {"", ""},
        {"no holes", "no holes"},
        {"{server}", "testing"},
        {"{server}{server}", "testingtesting"},
        {"{server} is slow: {why}.", "testing is slow: {why} [it]."}, /* a value is not read */
        {"{none}", "?"},
        {"a[ of {server}] b", "a of testing b"},
        {"a[ of {none}] b", "a b"},
        {"a[ of {server} and {none}] b", "a b"},
        {"a[ of {server}[ and {none}]] b", "a of testing b"},
        {"a[ of {none}[ and {server}]] b", "a b"},
        {"mqtt://HOST[:PORT]", "mqtt://HOST[:PORT]"},
        {"[{server}]", "testing"},
        {"[[{server}]]", "[testing]"},
        {"[[{none}]]", "[]"},
        {"{\"key\": {server}}", "{\"key\": testing}"},
        {"{unknown} {serve} {servers}", "{unknown} {serve} {servers}"},
        {"{}", "{}"},
        {"{server", "{server"},
        {"[{server}", "[testing"},
        {"{server}]", "testing]"},
        {"[", "["},
        {"{", "{"},
    };
    const struct holes holes = {.of = names, .find = find, .put = put};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf out = BUF_INIT(256);

        holes_fill(&holes, cases[i].text, &out);
        if (strcmp(buf_text(&out), cases[i].filled) != 0)
            fail_msg("%s: %s", cases[i].text, buf_text(&out));
        buf_finish(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_texts)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
