/*
 * secret: passwords, tokens, comparisons that take the same time whatever they compare. The only
 * door to libsodium. No state of its own but the library's; any thread. Passwords are bytes of
 * UTF-8 as they were typed.
 */
#ifndef HALL_SECRET_SECRET_H
#define HALL_SECRET_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SECRET_HASH_SIZE = 128,     /* "$argon2id$..." and NUL */
    SECRET_PASSWORD_MAX = 1024, /* bytes; a longer one is refused, lest hashing it be an attack */
};

/* Starts the library, which every function below also does by itself; in a program with threads
 * call it before there are any. -EIO: it does not start, so nothing below works. */
int secret_start(void);

/* Argon2id (RFC 9106), 19 MiB and 3 passes: so much memory for a moment, about 0.05 s on a PC and
 * 0.3 s on a Pi. -EINVAL: empty or too long; -ENOMEM: no memory for it now; -EIO. */
int secret_hash_password(const char *password, size_t length, char ret_hash[SECRET_HASH_SIZE]);

/* Does the password fit? 0, or -EACCES: it does not, or hash is none of Argon2id; -ENOMEM, -EIO as
 * above. Takes as long as the hash says. */
int secret_verify_password(const char *hash, const char *password, size_t length);
/* The KiB of memory that an Argon2id hash asks for (its "m="); -EINVAL: not of Argon2id, or not
 * whole. More than SECRET_MEMORY_MAX_KIB is refused by secret_verify_password. */
enum { SECRET_MEMORY_MAX_KIB = 64 * 1024 };
int secret_hash_memory(const char *hash);
/* One that secret_verify_password takes, whatever its password. */
bool secret_is_hash(const char *hash);

/* Fills with random bytes fit for keys. -EIO: the library does not start. */
int secret_random(void *out, size_t size);
/* Keyed BLAKE2b (RFC 7693), to keep a token without keeping it. */
enum { SECRET_KEY_SIZE = 32, SECRET_DIGEST_SIZE = 32 };
void secret_digest(const uint8_t key[SECRET_KEY_SIZE], const void *bytes, size_t length,
                   uint8_t out[SECRET_DIGEST_SIZE]);

/* SHA-256 (FIPS 180-4), to see that bytes are those that were announced. -EIO as above. */
int secret_sha256(const void *bytes, size_t length, uint8_t out[SECRET_DIGEST_SIZE]);

/* Same bytes? In a time that depends on the lengths alone. */
bool secret_equal(const void *a, size_t a_length, const void *b, size_t b_length);
/* Overwrites what the compiler might think dead. */
void secret_wipe(void *bytes, size_t size);

#endif
