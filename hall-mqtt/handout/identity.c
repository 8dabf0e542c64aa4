#include "handout/identity.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

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

SSL_CTX *identity_create(char ret_pin[PIN_SIZE])
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    SSL_CTX *context = NULL;

    if (key && certificate && fill(certificate, key) && make_pin(key, ret_pin))
        context = make_context(certificate, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return context;
}
