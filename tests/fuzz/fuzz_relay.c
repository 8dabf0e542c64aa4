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
    struct relay_request request, again;
    struct buf out = BUF_INIT(4096);
    char reason[REASON_SIZE] = "";
    if (relay_read_request(text, length, &request, reason) < 0) {
        assert(reason[0] != '\0' && strlen(reason) < sizeof reason);
        return;
    }
    assert(relay_write_request(&request, &out) == 0);
    /* Only whole seconds, and times after 1970, are written. */
    if (request.expires > 0 && request.expires % 1000 == 0) {
        assert(relay_read_request(buf_text(&out), out.length, &again, reason) == 0);
        assert(strcmp(request.id, again.id) == 0 && memcmp(request.mac, again.mac, 6) == 0);
        assert(request.port == again.port && request.broadcast.s_addr == again.broadcast.s_addr);
        assert(request.secureon_length == again.secureon_length);
    }
    buf_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct relay_result result;
    struct report report = {0};
    char reason[REASON_SIZE] = "";
    bool online;
    check_order(text, size);
    if (relay_read_result(text, size, &result, reason) == 0)
        assert(result.id[0] != '\0' && !text_has_control(result.reason));
    (void)relay_read_state(text, size, &online, reason);
    struct document_head *config = document_parse(&config_relay_document, "F", text, size, &report);
    assert((config != NULL) == (report.first == NULL));
    document_free(config);
    report_finish(&report);
    return 0;
}
