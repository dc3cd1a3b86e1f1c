#include "identity.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

namespace spindle_grpc {

namespace {

using Bytes = std::unique_ptr<BIO, decltype(&BIO_free)>;

Bytes bytes_of(const std::string &text) {
    return Bytes(BIO_new_mem_buf(text.data(), (int)text.size()), BIO_free);
}

// OpenSSL would ask at the terminal.
int no_passphrase(char *, int, int, void *) {
    return -1;
}

} // namespace

bool identity_check(const std::string &certificate, const std::string &key, std::string &why) {
    Bytes certificate_bytes = bytes_of(certificate), key_bytes = bytes_of(key);
    std::unique_ptr<X509, decltype(&X509_free)> x509(PEM_read_bio_X509(certificate_bytes.get(), nullptr, no_passphrase, nullptr),
                                                     X509_free);
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> private_key(
        PEM_read_bio_PrivateKey(key_bytes.get(), nullptr, no_passphrase, nullptr), EVP_PKEY_free);
    if (x509 == nullptr) why = "certFile holds no certificate that can be read";
    else if (private_key == nullptr) why = "the key cannot be read; it has to be a private key in PEM without a passphrase";
    else if (X509_check_private_key(x509.get(), private_key.get()) != 1) why = "the key is not the certificate's";
    ERR_clear_error();
    return why.empty();
}

} // namespace spindle_grpc
