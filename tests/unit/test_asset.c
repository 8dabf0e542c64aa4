#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "web/admin/asset.h"

static void the_page_and_its_parts_are_there(void **state)
{
    (void)state;
    const struct asset *page = asset_find("/");
    assert_non_null(page);
    assert_false(page->packed);
    assert_string_equal(page->type, "text/html; charset=utf-8");
    assert_non_null(memmem(page->bytes, page->length, "/app/main.js", 12));
    assert_null(memmem(page->bytes, page->length, "style=", 6)); /* the CSP forbids it */
    assert_non_null(asset_find("/api/v1/openapi.json"));
    assert_null(asset_find("/app/"));
    assert_null(asset_find("/app/../app/main.js"));
}

static void scripts_are_packed(void **state)
{
    static const char *const paths[] = {"/app/main.js", "/app/chart.js", "/app/base.css"};
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        const struct asset *asset = asset_find(paths[i]);
        assert_non_null(asset);
        assert_true(asset->packed);
        assert_memory_equal(asset->bytes, "\x1f\x8b", 2);
        assert_true(asset->tag[0] == '"' && strlen(asset->tag) > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_and_its_parts_are_there),
        cmocka_unit_test(scripts_are_packed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
