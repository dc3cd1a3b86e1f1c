/* TLS: the library makes the connection; what it accepts is decided by OpenSSL's own checks. */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <amqp_ssl_socket.h>

#include "session.h"

static int check_index = -1;

bool tls_start_library(void) {
    if (amqp_initialize_ssl_library() != AMQP_STATUS_OK) return false;
    check_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    return check_index >= 0;
}

/* Only notes the first reason and lets the handshake go on: the library looks at the verdict behind it, before anything
 * is sent. Like this the reason gets out. */
static int note_verdict(int accepted, X509_STORE_CTX *store) {
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_check *check = ssl == NULL ? NULL : SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), check_index);
    if (!accepted && check != NULL && check->reason[0] == '\0') {
        snprintf(check->reason, sizeof check->reason, "%s", X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
    }
    return 1;
}

static bool set_name(SSL_CTX *context, const char *name) {
    X509_VERIFY_PARAM *parameters = SSL_CTX_get0_param(context);
    unsigned char address[16];
    if (inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1) {
        return X509_VERIFY_PARAM_set1_ip_asc(parameters, name) == 1;
    }
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(parameters, name, 0) == 1;
}

static bool use_key(SSL_CTX *context, const struct broker *broker) {
    BIO *memory;
    EVP_PKEY *key;
    bool used;
    if (broker->key_file[0] != '\0') return SSL_CTX_use_PrivateKey_file(context, broker->key_file, SSL_FILETYPE_PEM) == 1;
    memory = BIO_new_mem_buf(broker->key.ptr, (int)broker->key.len);
    /* The empty passphrase: without one OpenSSL would ask at the terminal. */
    key = memory == NULL ? NULL : PEM_read_bio_PrivateKey(memory, NULL, NULL, (void *)(uintptr_t)"");
    used = key != NULL && SSL_CTX_use_PrivateKey(context, key) == 1;
    EVP_PKEY_free(key);
    BIO_free(memory);
    return used;
}

static bool prepare(SSL_CTX *context, const struct broker *broker, struct tls_check *check, struct fault *fault) {
    const char *wrong = NULL;
    check->reason[0] = '\0';
    SSL_CTX_set_ex_data(context, check_index, check);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, note_verdict);
    SSL_CTX_set_default_passwd_cb_userdata(context, (void *)(uintptr_t)"");
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) wrong = "TLS 1.2 is not available";
    else if (!set_name(context, broker->server_name)) wrong = "serverName is not a name or address";
    else if (broker->ca_file[0] == '\0' ? SSL_CTX_set_default_verify_paths(context) != 1
                                        : SSL_CTX_load_verify_locations(context, broker->ca_file, NULL) != 1) {
        wrong = "caFile cannot be read as PEM";
    } else if (broker->cert_file[0] != '\0' && SSL_CTX_use_certificate_chain_file(context, broker->cert_file) != 1) {
        wrong = "certFile cannot be read as PEM";
    } else if (broker->cert_file[0] != '\0' && (!use_key(context, broker) || SSL_CTX_check_private_key(context) != 1)) {
        wrong = "key cannot be read as PEM without a passphrase, or does not belong to certFile";
    }
    ERR_clear_error();
    if (wrong == NULL) return true;
    fault_set(fault, SPINDLE_PERMANENT, "rabbitmq.tls.setup", "TLS of the connection \"%s\": %s", broker->name, wrong);
    return false;
}

amqp_socket_t *tls_socket(amqp_connection_state_t amqp, const struct broker *broker, struct tls_check *check, struct fault *fault) {
    amqp_socket_t *socket = amqp_ssl_socket_new(amqp);
    if (socket == NULL) {
        fault_set(fault, SPINDLE_RETRYABLE, "rabbitmq.internal", "out of memory");
        return NULL;
    }
    amqp_ssl_socket_set_verify_peer(socket, 1);
    /* The library's own comparison knows no addresses; OpenSSL's, set in `prepare`, is a part of the verdict above. */
    amqp_ssl_socket_set_verify_hostname(socket, 0);
    return prepare(amqp_ssl_socket_get_context(socket), broker, check, fault) ? socket : NULL;
}
