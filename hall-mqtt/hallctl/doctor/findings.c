/* What the checks of the doctor have in common: findings, files, addresses. */
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "hallctl/doctor/doctor.h"

const char *doctor_count(char text[24], long long n)
{
    snprintf(text, 24, "%lld", n);
    return text;
}

static bool make_room(struct findings *findings)
{
    const size_t size = findings->size > 0 ? findings->size * 2 : 32;
    struct doctor_finding *all;

    if (findings->n < findings->size)
        return true;
    if (size > FINDINGS_MAX || !(all = reallocarray(findings->all, size, sizeof(*all))))
        return false;
    findings->all = all;
    findings->size = size;
    return true;
}

void findings_add(struct findings *findings, enum doctor_code code, ...)
{
    struct doctor_finding *finding;
    const char *value;
    va_list values;

    if (!make_room(findings))
        return;
    finding = &findings->all[findings->n++];
    *finding = (struct doctor_finding){.code = code};
    va_start(values, code);
    for (size_t i = 0; (value = va_arg(values, const char *)) && i < DOCTOR_PARAMS_MAX; i++)
        text_copy(finding->values[i], DOCTOR_VALUE_SIZE, value);
    va_end(values);
}

const char *doctor_path(const struct doctor *doctor, const char *path, char out[DOCTOR_HOST])
{
    if (snprintf(out, DOCTOR_HOST, "%s%s", doctor->root, path) >= DOCTOR_HOST)
        out[0] = '\0';
    return out;
}

int doctor_read(const struct doctor *doctor, const char *path, char *out, size_t size)
{
    char whole[DOCTOR_HOST];
    const int fd = open(doctor_path(doctor, path, whole), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    size_t length = 0;
    ssize_t got = 1;

    if (fd < 0)
        return -errno;
    while (got > 0 && length + 1 < size)
        if ((got = read(fd, out + length, size - 1 - length)) > 0)
            length += (size_t)got;
    out[length] = '\0';
    close(fd);
    return got < 0 ? -EIO : (int)length;
}

bool doctor_is_here(struct in_addr address)
{
    struct ifaddrs *all = NULL;
    bool is_here = ntohl(address.s_addr) >> 24 == 127;

    if (getifaddrs(&all) < 0)
        return is_here;
    for (const struct ifaddrs *one = all; one && !is_here; one = one->ifa_next)
        if (one->ifa_addr && one->ifa_addr->sa_family == AF_INET)
            is_here = ((const struct sockaddr_in *)(const void *)one->ifa_addr)->sin_addr.s_addr ==
                      address.s_addr;
    freeifaddrs(all);
    return is_here;
}

int doctor_resolve(const char *host, struct in_addr *ret_address)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    const int error = getaddrinfo(host, NULL, &hints, &found);

    ret_address->s_addr = 0;
    if (error != 0)
        return error;
    for (const struct addrinfo *one = found; one; one = one->ai_next)
        if (one->ai_family == AF_INET) {
            *ret_address = ((const struct sockaddr_in *)(const void *)one->ai_addr)->sin_addr;
            break;
        }
    freeaddrinfo(found);
    return 0;
}

struct errand {
    void (*work)(void *context, size_t i);
    void *context;
    size_t i;
};

static void *run(void *argument)
{
    const struct errand *errand = argument;

    errand->work(errand->context, errand->i);
    return NULL;
}

void doctor_beside(size_t n, void (*work)(void *context, size_t i), void *context)
{
    static struct errand errands[DOCTOR_NAMES];
    pthread_t threads[DOCTOR_NAMES];
    bool started[DOCTOR_NAMES];

    n = n < DOCTOR_NAMES ? n : DOCTOR_NAMES;
    for (size_t i = 0; i < n; i++) {
        errands[i] = (struct errand){work, context, i};
        started[i] = pthread_create(&threads[i], NULL, run, &errands[i]) == 0;
    }
    for (size_t i = 0; i < n; i++)
        if (started[i])
            pthread_join(threads[i], NULL);
        else
            work(context, i);
}
