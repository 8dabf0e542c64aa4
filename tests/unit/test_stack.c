#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unit.h"
#include "web/listen/stack.h"

enum { SIZE = 512 * 1024, DEEP = 256 * 1024, SECOND = 1000000000 };

struct result {
    unsigned deep, after, again, later;
};

static char *memory;

static unsigned pages_present(void)
{
    unsigned char present[SIZE / 4096];
    unsigned n = 0;
    size_t pages = SIZE / (size_t)sysconf(_SC_PAGESIZE);
    if (mincore(memory, SIZE, present) != 0)
        return 0;
    for (size_t i = 0; i < pages; i++)
        n += present[i] & 1;
    return n;
}

static __attribute__((noinline)) void use_much(void)
{
    char deep[DEEP];

    memset(deep, 7, sizeof deep);
    __asm__ volatile("" : : "r"(deep) : "memory"); /* or nobody would need what was written */
}

static void *run(void *context)
{
    struct result *result = context;
    struct stack stack;

    stack_know(&stack);
    use_much();
    result->deep = pages_present();
    stack_give_back(&stack, SECOND);
    result->after = pages_present();
    use_much();
    stack_give_back(&stack, SECOND + 1); /* too soon */
    result->again = pages_present();
    stack_give_back(&stack, 2 * (int64_t)SECOND);
    result->later = pages_present();
    return NULL;
}

static void what_is_not_in_use_is_given_back_now_and_then(void **state)
{
    struct result result = {0};
    pthread_attr_t attributes;
    pthread_t thread;
    memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    pthread_attr_init(&attributes);
    assert_int_equal(pthread_attr_setstack(&attributes, memory, SIZE), 0);
    assert_int_equal(pthread_create(&thread, &attributes, run, &result), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    munmap(memory, SIZE);
    assert_true(result.deep >= DEEP / 4096);
    assert_true(result.after < 16);
    assert_true(result.again >= DEEP / 4096);
    assert_true(result.later < 16);
}

static void an_unknown_stack_is_left_alone(void **state)
{
    struct stack stack = {0};
    stack_give_back(&stack, SECOND);
    assert_int_equal(stack.gave_back, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_in_use_is_given_back_now_and_then),
        cmocka_unit_test(an_unknown_stack_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
