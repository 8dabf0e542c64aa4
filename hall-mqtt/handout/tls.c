#include "handout/tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>

/* ---- who we are ---- */

enum { DAY_S = 86400 };

/* Valid from yesterday on: a server whose clock is wrong is to get in too. */
static int fill(X509 *certificate, EVP_PKEY *key)
{
    X509_NAME *name = X509_get_subject_name(certificate);

    return X509_set_version(certificate, 2) &&
           ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -DAY_S) &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), DAY_S) &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                      (const unsigned char *)"Hall enroll", -1, -1, 0) &&
           X509_set_issuer_name(certificate, name) && X509_set_pubkey(certificate, key) &&
           X509_sign(certificate, key, EVP_sha256());
}

static int make_pin(EVP_PKEY *key, char ret_pin[PIN_SIZE])
{
    unsigned char *der = NULL, digest[SHA256_DIGEST_LENGTH];
    const int length = i2d_PUBKEY(key, &der);

    if (length <= 0)
        return 0;
    SHA256(der, (size_t)length, digest);
    OPENSSL_free(der);
    return EVP_EncodeBlock((unsigned char *)ret_pin, digest, sizeof(digest)) > 0;
}

static SSL_CTX *make_context(X509 *certificate, EVP_PKEY *key)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    if (context && SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) &&
        SSL_CTX_set_num_tickets(context, 0) && SSL_CTX_use_certificate(context, certificate) &&
        SSL_CTX_use_PrivateKey(context, key)) {
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
        return context;
    }
    SSL_CTX_free(context);
    return NULL;
}

/* The struct is OpenSSL's own, under a name that others may know. */
static SSL_CTX *context_of(struct tls_identity *identity)
{
    return (SSL_CTX *)identity;
}

struct tls_identity *tls_identity_create(char ret_pin[PIN_SIZE])
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    SSL_CTX *context = NULL;

    if (key && certificate && fill(certificate, key) && make_pin(key, ret_pin))
        context = make_context(certificate, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return (struct tls_identity *)context;
}

void tls_identity_destroy(struct tls_identity *identity)
{
    SSL_CTX_free(context_of(identity));
}

/* ---- connections ---- */

int tls_open(struct tls_identity *identity, int fd, struct tls *ret_tls)
{
    SSL *session = SSL_new(context_of(identity));

    if (!session || !SSL_set_fd(session, fd)) {
        SSL_free(session);
        return -ENOMEM;
    }
    SSL_set_accept_state(session);
    *ret_tls = (struct tls){.session = session, .wanted = POLLIN};
    return 0;
}

void tls_close(struct tls *tls)
{
    SSL_free(tls->session);
    *tls = (struct tls){.session = NULL};
}

static int failed(struct tls *tls, int result)
{
    const int error = SSL_get_error(tls->session, result);

    tls->wanted = error == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN;
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? -EAGAIN : -EPIPE;
}

static int at_most(size_t size)
{
    return size > INT_MAX ? INT_MAX : (int)size;
}

ssize_t tls_read(struct tls *tls, void *out, size_t size)
{
    ERR_clear_error();
    const int n = SSL_read(tls->session, out, at_most(size));
    return n > 0 ? n : failed(tls, n);
}

ssize_t tls_write(struct tls *tls, const void *bytes, size_t length)
{
    ERR_clear_error();
    const int n = SSL_write(tls->session, bytes, at_most(length));
    return n > 0 ? n : failed(tls, n);
}

int tls_end(struct tls *tls)
{
    ERR_clear_error();
    const int n = SSL_shutdown(tls->session);
    return n >= 0 ? 0 : failed(tls, n);
}

bool tls_equal(const void *a, const void *b, size_t length)
{
    return CRYPTO_memcmp(a, b, length) == 0;
}
