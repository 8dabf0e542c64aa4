/* Requests of `hallctl doctor`, by which it learns what a proxy tells Hall of its visitors. */
#include <string.h>

#include "base/text.h"
#include "web/routes/desk_internal.h"
#include "web/site/doctor_name.h"

bool desk_hear_doctor(struct desk *desk, const struct raw_request *raw, const struct clerk *clerk,
                      enum heard_door door)
{
    static const enum field fields[HEARD_HEADERS] = {
        [HEARD_HOST] = FIELD_FORWARDED_HOST,     [HEARD_FOR] = FIELD_FORWARDED_FOR,
        [HEARD_PROTO] = FIELD_FORWARDED_PROTO,   [HEARD_URI] = FIELD_FORWARDED_URI,
        [HEARD_METHOD] = FIELD_FORWARDED_METHOD,
    };
    const struct request *request = &clerk->request;
    const char *token = doctor_name_token(request->fields[FIELD_USER_AGENT]);
    struct heard heard = {.door = door, .trusted = request->trusted};
    char peer[ADDRESS_TEXT_SIZE];

    if (!token)
        return false;
    text_copy(heard.token, sizeof(heard.token), token);
    text_copy(heard.peer, sizeof(heard.peer), address_format(raw->peer, peer));
    text_copy(heard.address, sizeof(heard.address), request->who);
    text_copy(heard.host, sizeof(heard.host), request->host);
    for (size_t i = 0; i < HEARD_HEADERS; i++) {
        const char *value = request->fields[fields[i]];

        heard.has[i] = value != NULL;
        if (value)
            text_show(heard.headers[i], sizeof(heard.headers[i]), value, strlen(value));
    }
    heard_add(board_heard(desk->board), &heard);
    return true;
}

bool desk_is_doctor(const struct clerk *clerk)
{
    return doctor_name_token(clerk->request.fields[FIELD_USER_AGENT]) != NULL;
}

void desk_refuse_doctor(struct clerk *clerk)
{
    desk_refuse(clerk, 403, &FACT(ACCESS_CLIENT));
}
