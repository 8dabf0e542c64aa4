#include <string.h>

#include "base/array.h"
#include "unit.h"
#include "web/admin/asset.h"

static void the_page_and_its_parts_are_there(void **state)
{
    const struct asset *page = asset_find("/");
    assert_non_null(page);
    assert_false(page->packed);
    assert_string_equal(page->type, "text/html; charset=utf-8");
    assert_ptr_equal(asset_page(LANGUAGE_ENGLISH), page);
    assert_false(page->lasting);
    assert_non_null(memmem(page->bytes, page->length, ">Try again<", 11)); /* before any script */
    assert_null(memmem(page->bytes, page->length, "{{", 2));
    assert_null(memmem(page->bytes, page->length, "style=", 6)); /* the CSP forbids it */
    assert_non_null(asset_find("/api/v1/openapi.json"));
    assert_null(asset_find("/app/"));
    assert_null(asset_find("/app/main.js"));
}

/* The path that the page names behind start. */
static void read_named(const char *start, char *out, size_t size)
{
    const struct asset *page = asset_find("/");
    const char *at = memmem(page->bytes, page->length, start, strlen(start));
    assert_non_null(at);
    at += strlen(start);
    size_t length = strcspn(at, "\"");
    assert_in_range(length, 1, size - 1);
    memcpy(out, at, length);
    out[length] = '\0';
}

static void the_page_is_there_in_french(void **state)
{
    static const char words[] = "<html lang=\"fr\">";
    const struct asset *page = asset_page(LANGUAGE_FRENCH);
    assert_non_null(page);
    assert_non_null(memmem(page->bytes, page->length, words, sizeof words - 1));
    assert_non_null(memmem(page->bytes, page->length, ">Réessayer<", 12));
}

static void what_the_page_names_is_packed_and_lasts(void **state)
{
    static const char *const starts[] = {"src=\"", "stylesheet\" href=\""};
    char path[128];
    for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
        read_named(starts[i], path, sizeof path);
        const struct asset *asset = asset_find(path);
        assert_non_null(asset);
        assert_true(asset->packed && asset->lasting);
        assert_memory_equal(asset->bytes, "\x1f\x8b", 2);
        assert_non_null(strstr(path, (char[]){asset->tag[1], asset->tag[2], asset->tag[3], 0}));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_and_its_parts_are_there),
        cmocka_unit_test(the_page_is_there_in_french),
        cmocka_unit_test(what_the_page_names_is_packed_and_lasts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
