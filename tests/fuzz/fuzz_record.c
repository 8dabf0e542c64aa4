/* What the store kept, as another version or a broken disk may have left it: what is read can be
 * written, and reads back as the same. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "record/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
static const struct record_owner owner = {.config = "/c", .mac = mac};

/* One server with one site. */
static struct model_server servers[] = {{.id = "s"}};
static struct model_domain domains[] = {{.name = "d.example"}};
static struct model_site sites[] = {{.id = "d.example"}};
static const struct model model = {.n_servers = 1,
                                   .servers = servers,
                                   .n_domains = 1,
                                   .domains = domains,
                                   .n_sites = 1,
                                   .sites = sites};

static void write_again(const struct saved *saved, struct buf *out)
{
    const int error = record_write_server(saved, &model, 0, &owner, out);
    assert(error == 0);
}

/* The members are the input; whose they are stands before them. */
static void read_as_ours(const uint8_t *data, size_t size)
{
    struct buf text = BUF_INIT(RECORD_LIMIT), once = BUF_INIT(RECORD_LIMIT);
    struct buf twice = BUF_INIT(RECORD_LIMIT);
    struct saved saved;

    buf_puts(&text, "{\"config\":\"/c\",\"mac\":\"02:00:00:00:00:01\",");
    buf_add(&text, (const char *)data, size);
    buf_putc(&text, '}');
    if (buf_error(&text) == 0 &&
        record_read_server(buf_text(&text), text.length, &model, 0, &owner, &saved) == 0) {
        write_again(&saved, &once);
        saved_finish(&saved);
        const int error =
            record_read_server(buf_text(&once), once.length, &model, 0, &owner, &saved);
        assert(error == 0);
        write_again(&saved, &twice);
        saved_finish(&saved);
        assert(strcmp(buf_text(&once), buf_text(&twice)) == 0);
    }
    buf_finish(&text);
    buf_finish(&once);
    buf_finish(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct saved saved;

    if (record_read_server((const char *)data, size, &model, 0, &owner, &saved) == 0)
        saved_finish(&saved);
    read_as_ours(data, size);
    return 0;
}
