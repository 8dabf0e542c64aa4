#include "core/facts/fault.h"
#include "unit.h"

#include <string.h>

static void test_each_has_its_code(void **state)
{
    assert_null(fault_name(FAULT_NONE));
    for (unsigned i = FAULT_NONE + 1; i < FAULTS; i++) {
        enum fault_code found = FAULT_NONE;

        assert_true(fault_from_name(fault_name((enum fault_code)i), &found));
        assert_int_equal(found, i);
    }
}

static void test_unknown_names(void **state)
{
    enum fault_code code;

    assert_false(fault_from_name("", &code));
    assert_false(fault_from_name("certificate", &code));
    assert_true(fault_is_of_tls(FAULT_EXPIRED) && fault_is_of_tls(FAULT_CA_FILE));
    assert_false(fault_is_of_tls(FAULT_SLOW) || fault_is_of_tls(FAULT_NO_TLS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_has_its_code),
        cmocka_unit_test(test_unknown_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
