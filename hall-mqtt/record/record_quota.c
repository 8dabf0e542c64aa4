/* What a limit of wakes or minutes has counted. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#include "base/address.h"
#include "base/array.h"
#include "core/facts/lease.h"
#include "record/field.h"
#include "record/record_internal.h"

static const struct field quota_fields[] = {
    FIELD(quota, kind, FIELD_INT),       FIELD(quota, day, FIELD_INT32),
    FIELD(quota, wakes, FIELD_UINT32),   FIELD(quota, awake_ms, FIELD_INT64),
    FIELD(quota, last_use, FIELD_INT64), FIELD(quota, at, FIELD_INT64),
};

/* An IPv4 address is a number, in host byte order; an IPv6 address is text; nobody is 0. */
static uint32_t number_of(struct address address)
{
    return address_is_v4(address) ? ntohl(address_to_v4(address).s_addr) : 0;
}

static void write_address(struct json_writer *writer, struct address address)
{
    char text[ADDRESS_TEXT_SIZE];

    if (address_is_none(address))
        return;
    if (address_is_v4(address))
        json_put_integer(writer, "address", number_of(address));
    else
        json_put_string(writer, "address", address_format(address, text));
}

static struct address read_address(const struct json *record)
{
    const struct json *value = json_get(record, "address");
    struct address address = {{0}};
    int64_t number = 0;

    if (json_string(value))
        (void)address_parse(json_string(value), &address);
    else if (json_integer(value, &number) && number > 0 && number <= UINT32_MAX)
        address = address_v4((struct in_addr){htonl((uint32_t)number)});
    return address;
}

static const char *subject_name(const struct model *model, const struct quota *quota)
{
    return quota->kind == QUOTA_CLIENT ? model->domains[quota->subject].name
                                       : model->sites[quota->subject].id;
}

void record_quota_key(const struct model *model, const struct quota *quota,
                      char out[RECORD_KEY_SIZE])
{
    const char *kind = quota->kind == QUOTA_CLIENT ? "client" : "project";
    char text[ADDRESS_TEXT_SIZE];

    if (address_is_none(quota->address) || address_is_v4(quota->address))
        snprintf(out, RECORD_KEY_SIZE, "%s %.255s %u", kind, subject_name(model, quota),
                 number_of(quota->address));
    else
        snprintf(out, RECORD_KEY_SIZE, "%s %.255s %s", kind, subject_name(model, quota),
                 address_format(quota->address, text));
}

int record_write_quota(const struct model *model, const struct quota *quota,
                       const struct record_owner *owner, struct buf *out)
{
    struct json_writer writer;

    json_writer_init(&writer, out);
    json_begin_object(&writer, NULL);
    record_put_owner(&writer, owner);
    json_put_string(&writer, "subject", subject_name(model, quota));
    write_address(&writer, quota->address);
    field_write(&writer, quota_fields, ARRAY_SIZE(quota_fields), quota);
    json_end_object(&writer);
    return buf_error(out);
}

int record_read_quota(const struct model *model, const char *text, size_t length,
                      const struct record_owner *owner, struct quota *ret_quota)
{
    struct quota quota = {.used = true};
    struct json_error error;
    struct json *record;
    int result = -EINVAL;

    if (json_read(text, length, &json_limits_payload, &record, &error) < 0)
        return result;
    field_read(record, quota_fields, ARRAY_SIZE(quota_fields), &quota);
    quota.address = read_address(record);
    if (!record_is_of_boot(record, owner))
        quota.at = quota.last_use = 0;
    if (!record_is_of(record, owner))
        result = -ESTALE;
    else if ((unsigned)quota.kind <= QUOTA_PROJECT && quota.awake_ms >= 0 &&
             quota.awake_ms != LEASE_FOREVER) {
        const char *name = json_get_string(record, "subject");
        quota.subject = !name                        ? MODEL_NONE
                        : quota.kind == QUOTA_CLIENT ? model_domain_by_host(model, name)
                                                     : model_site_by_id(model, name);
        result = quota.subject == MODEL_NONE ? -ESTALE : 0;
    }
    json_free(record);
    if (result == 0)
        *ret_quota = quota;
    return result;
}
