#include "core/facts/fault.h"
#include "unit.h"

static void test_faults_of_tls(void **state)
{
    assert_true(fault_is_of_tls(FAULT_EXPIRED) && fault_is_of_tls(FAULT_CA_FILE));
    assert_false(fault_is_of_tls(FAULT_SLOW) || fault_is_of_tls(FAULT_NO_TLS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults_of_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
