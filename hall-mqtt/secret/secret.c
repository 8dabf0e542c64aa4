#include "secret/secret.h"

#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <string.h>

_Static_assert(SECRET_HASH_SIZE >= crypto_pwhash_argon2id_STRBYTES, "a hash fits");

static const unsigned long long passes = 3;
static const size_t memory = (size_t)19 << 20;

/* Only the first call does anything; the library takes care of threads. */
int secret_start(void)
{
    return sodium_init() < 0 ? -EIO : 0;
}

static bool is_length(size_t length)
{
    return length > 0 && length <= SECRET_PASSWORD_MAX;
}

int secret_hash_password(const char *password, size_t length, char ret_hash[SECRET_HASH_SIZE])
{
    char hash[crypto_pwhash_argon2id_STRBYTES];
    if (!is_length(length))
        return -EINVAL;
    if (secret_start() < 0)
        return -EIO;
    if (crypto_pwhash_argon2id_str(hash, password, length, passes, memory) != 0)
        return -ENOMEM;
    memcpy(ret_hash, hash, sizeof(hash));
    return 0;
}

/* "$argon2id$v=19$m=65536,t=2,p=1$...": the number behind "m=". */
static int memory_of(const char *hash)
{
    static const char head[] = "$argon2id$v=19$m=";
    int kib = 0;
    if (strncmp(hash, head, sizeof(head) - 1) != 0)
        return -EINVAL;
    for (const char *at = hash + sizeof(head) - 1; *at >= '0' && *at <= '9'; at++) {
        if (kib > (INT_MAX - 9) / 10)
            return -EINVAL;
        kib = kib * 10 + (*at - '0');
    }
    return kib;
}

int secret_hash_memory(const char *hash)
{
    const int kib = strlen(hash) < SECRET_HASH_SIZE && secret_start() == 0 ? memory_of(hash) : 0;
    /* The library judges the rest of the form when asked whether it should be made anew. */
    return kib > 0 && crypto_pwhash_str_needs_rehash(hash, passes, memory) >= 0 ? kib : -EINVAL;
}

bool secret_is_hash(const char *hash)
{
    const int kib = secret_hash_memory(hash);
    return kib > 0 && kib <= SECRET_MEMORY_MAX_KIB;
}

int secret_verify_password(const char *hash, const char *password, size_t length)
{
    if (secret_start() < 0)
        return -EIO;
    if (!is_length(length) || !secret_is_hash(hash))
        return -EACCES;
    errno = 0;
    if (crypto_pwhash_argon2id_str_verify(hash, password, length) == 0)
        return 0;
    return errno == ENOMEM ? -ENOMEM : -EACCES;
}

int secret_random(void *out, size_t size)
{
    if (secret_start() < 0)
        return -EIO;
    randombytes_buf(out, size);
    return 0;
}

void secret_digest(const uint8_t key[SECRET_KEY_SIZE], const void *bytes, size_t length,
                   uint8_t out[SECRET_DIGEST_SIZE])
{
    crypto_generichash(out, SECRET_DIGEST_SIZE, bytes, length, key, SECRET_KEY_SIZE);
}

int secret_sha256(const void *bytes, size_t length, uint8_t out[SECRET_DIGEST_SIZE])
{
    _Static_assert(SECRET_DIGEST_SIZE == crypto_hash_sha256_BYTES, "it fits");
    return secret_start() < 0 || crypto_hash_sha256(out, bytes, length) != 0 ? -EIO : 0;
}

bool secret_equal(const void *a, size_t a_length, const void *b, size_t b_length)
{
    /* What has another length is compared with itself, for the same time. */
    const bool same_length = a_length == b_length;
    return (sodium_memcmp(a, same_length ? b : a, a_length) == 0) & same_length;
}

void secret_wipe(void *bytes, size_t size)
{
    sodium_memzero(bytes, size);
}
