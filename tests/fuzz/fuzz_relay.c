/* What a relay and Hall hear from each other, and the relay's file. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "bridges/relay/config_relay.h"
#include "words/relay_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_order(const char *text, size_t length)
{
    struct relay_order order, again;
    struct buf out = BUF_INIT(4096);
    char reason[REASON_SIZE] = "";
    if (relay_read_order(text, length, &order, reason) < 0) {
        assert(reason[0] != '\0' && strlen(reason) < sizeof reason);
        return;
    }
    assert(relay_write_order(&order, &out) == 0);
    /* Only whole seconds, and times after 1970, are written. */
    if (order.expires > 0 && order.expires % 1000 == 0) {
        assert(relay_read_order(buf_text(&out), out.length, &again, reason) == 0);
        assert(strcmp(order.id, again.id) == 0 && memcmp(order.mac, again.mac, 6) == 0);
        assert(order.port == again.port && order.broadcast.s_addr == again.broadcast.s_addr);
        assert(order.secureon_length == again.secureon_length);
    }
    buf_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct relay_result result;
    struct buf errors = BUF_INIT(65536);
    char reason[REASON_SIZE] = "";
    bool online;
    check_order(text, size);
    if (relay_read_result(text, size, &result, reason) == 0)
        assert(result.id[0] != '\0' && !text_has_control(result.reason));
    (void)relay_read_state(text, size, &online, reason);
    struct document_head *config = document_parse(&config_relay_document, "F", text, size, &errors);
    assert((config != NULL) == (errors.length == 0));
    document_free(config);
    buf_finish(&errors);
    return 0;
}
