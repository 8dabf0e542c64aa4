#include "web/site/doctor_name.h"

#include <string.h>

const char *doctor_name_token(const char *agent)
{
    const size_t length = sizeof(DOCTOR_NAME) - 1;

    if (!agent || strncmp(agent, DOCTOR_NAME, length) != 0 ||
        strspn(agent + length, "0123456789abcdef") != DOCTOR_TOKEN_SIZE - 1 ||
        agent[length + DOCTOR_TOKEN_SIZE - 1] != '\0')
        return NULL;
    return agent + length;
}
