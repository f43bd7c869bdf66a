/* remote_provider.h - inside net/ only: the OpenSSL provider behind remote_key.h. */
#ifndef WARD_NET_REMOTE_PROVIDER_H
#define WARD_NET_REMOTE_PROVIDER_H

#include <openssl/core.h>

/* The provider's name, the property that its algorithms are fetched by, and the parameter
   that carries a struct remote_signer into a key. */
#define REMOTE_PROVIDER     "ward"
#define REMOTE_PROPERTY     "provider=ward"
#define REMOTE_PARAM_SIGNER "ward-remote-signer"

/* remote_provider_init is what OSSL_PROVIDER_add_builtin takes. */
int remote_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                         const OSSL_DISPATCH **out, void **context);

#endif
