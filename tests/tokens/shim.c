/* A PKCS#11 module that hands every call on to another one (REAL), with faults that the environment variable
 * SHIM_FAULTS names at each call, blank-separated:
 *   no-private       C_CreateObject takes no private key (CKR_TEMPLATE_INCONSISTENT)
 *   bad-private      the same, with CKR_ATTRIBUTE_VALUE_INVALID
 *   no-secret        C_CreateObject takes no secret key
 *   no-public        C_CreateObject takes no public key (CKR_DEVICE_MEMORY)
 *   no-key-unwrap    C_UnwrapKey gives no private keys (CKR_MECHANISM_INVALID)
 *   loose-unwrap     C_UnwrapKey leaves private keys extractable and not sensitive, and refuses to be told that they
 *                    are extractable (CKR_ATTRIBUTE_READ_ONLY), as opencryptoki does
 *   only-sha256-oaep RSA-OAEP takes SHA-256 only, which SoftHSM does not know: nothing unwraps
 *   no-pair          C_GenerateKeyPair answers CKR_FUNCTION_FAILED
 *   names            curves of Edwards keys are known by name, not by OID
 *   leaves-extractable  CKA_EXTRACTABLE reads as true, whatever was asked for
 *   forgets          CKA_TOKEN reads as false
 *   other-point      the last byte of CKA_EC_POINT reads wrong
 *   bad-signature    one bit of each signature is wrong
 *   no-signature     C_Sign answers CKR_DEVICE_ERROR
 *   no-destroy       C_DestroyObject answers CKR_ACTION_PROHIBITED
 *   no-random        C_GenerateRandom answers CKR_RANDOM_NO_RNG
 *   zero-random      C_GenerateRandom gives zeros
 *   die-before=N, die-after=N  the process ends at the Nth call that makes, changes, destroys or uses an object
 *   protected, pin-low, pin-last, pin-locked, pin-unset, uninitialised   flags of the token
 *   hide=HEX         C_GetMechanismList leaves this mechanism out
 *   most-rsa=BITS    C_GetMechanismInfo states this as the largest RSA key
 * Built by the tests: gcc -shared -fPIC -DREAL='"/path/to/module.so"'. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long ulong_t;
typedef struct { ulong_t type; void *value; ulong_t length; } attribute_t;
typedef struct { ulong_t mechanism; void *parameter; ulong_t length; } mechanism_t;
typedef struct { unsigned char version[2]; void *call[68]; } list_t;
typedef ulong_t (*call_t)();

enum { GET_TOKEN_INFO = 6, GET_MECHANISM_LIST = 7, GET_MECHANISM_INFO = 8, CREATE_OBJECT = 20, DESTROY_OBJECT = 22,
       GET_ATTRIBUTE_VALUE = 24, SET_ATTRIBUTE_VALUE = 25, SIGN = 43, GENERATE_KEY_PAIR = 59, UNWRAP_KEY = 61, GENERATE_RANDOM = 64 };
enum { CKO_PUBLIC_KEY = 2, CKO_PRIVATE_KEY = 3, CKO_SECRET_KEY = 4 };
enum { CKA_CLASS = 0, CKA_TOKEN = 1, CKA_SENSITIVE = 0x103, CKA_EXTRACTABLE = 0x162, CKA_EC_PARAMS = 0x180, CKA_EC_POINT = 0x181 };
enum { CKM_RSA_PKCS_OAEP = 9, CKM_SHA256 = 0x250 };

static list_t *real, ours;

static const char *fault(const char *name) {
  const char *faults = getenv("SHIM_FAULTS");
  size_t length = strlen(name);
  for (const char *at = faults; at && (at = strstr(at, name)); at += length)
    if ((at == faults || at[-1] == ' ') && (at[length] == 0 || at[length] == ' ' || at[length - 1] == '='))
      return at + length;
  return NULL;
}

/* Count a call, and end the process if it is the one to do so. */
static void count_call(int after) {
  static int calls;
  static pid_t counted;
  if (counted != getpid()) { counted = getpid(); calls = 0; }
  const char *last = fault(after ? "die-after=" : "die-before=");
  calls += !after;
  if (last && atoi(last) == calls) _exit(9);
}

static ulong_t counted(ulong_t answer) {
  count_call(1);
  return answer;
}

#define COUNTED(call) (count_call(0), counted(call))

static ulong_t class_of(attribute_t *attributes, ulong_t count) {
  for (ulong_t i = 0; i < count; i++)
    if (attributes[i].type == CKA_CLASS) return *(ulong_t *)attributes[i].value;
  return ~0UL;
}

static ulong_t create_object(ulong_t session, attribute_t *given, ulong_t count, ulong_t *object) {
  ulong_t kind = class_of(given, count);
  if (kind == CKO_PRIVATE_KEY && fault("no-private")) return 0xD1;
  if (kind == CKO_PRIVATE_KEY && fault("bad-private")) return 0x13;
  if (kind == CKO_SECRET_KEY && fault("no-secret")) return 0xD1;
  if (kind == CKO_PUBLIC_KEY && fault("no-public")) return 0x31;
  attribute_t *attributes = malloc(count * sizeof *attributes);
  memcpy(attributes, given, count * sizeof *attributes);
  for (ulong_t i = 0; fault("names") && i < count; i++)
    if (attributes[i].type == CKA_EC_PARAMS) {
      const unsigned char *value = attributes[i].value;
      if (value[0] == 6 && attributes[i].length == 5) { free(attributes); return 0x130; }
      if (value[0] == 0x13) {
        attributes[i].value = value[1] == 12 ? "\x06\x03\x2b\x65\x70" : "\x06\x03\x2b\x65\x71";
        attributes[i].length = 5;
      }
    }
  ulong_t answer = COUNTED(((call_t)real->call[CREATE_OBJECT])(session, attributes, count, object));
  free(attributes);
  return answer;
}

static ulong_t unwrap_key(ulong_t session, mechanism_t *mechanism, ulong_t key, void *data, ulong_t length,
                          attribute_t *attributes, ulong_t count, ulong_t *object) {
  if (class_of(attributes, count) == CKO_PRIVATE_KEY && fault("no-key-unwrap")) return 0x70;
  if (mechanism->mechanism == CKM_RSA_PKCS_OAEP && fault("only-sha256-oaep")
      && *(ulong_t *)mechanism->parameter != CKM_SHA256) return 0x71;
  if (class_of(attributes, count) != CKO_PRIVATE_KEY || !fault("loose-unwrap"))
    return COUNTED(((call_t)real->call[UNWRAP_KEY])(session, mechanism, key, data, length, attributes, count, object));
  static unsigned char no = 0, yes = 1;
  attribute_t *loose = malloc((count + 2) * sizeof *loose);
  ulong_t kept = 0;
  for (ulong_t i = 0; i < count; i++) {
    if (attributes[i].type == CKA_EXTRACTABLE && *(unsigned char *)attributes[i].value) { free(loose); return 0x10; }
    if (attributes[i].type != CKA_EXTRACTABLE && attributes[i].type != CKA_SENSITIVE) loose[kept++] = attributes[i];
  }
  loose[kept++] = (attribute_t){CKA_SENSITIVE, &no, 1};
  loose[kept++] = (attribute_t){CKA_EXTRACTABLE, &yes, 1};
  ulong_t answer = COUNTED(((call_t)real->call[UNWRAP_KEY])(session, mechanism, key, data, length, loose, kept, object));
  free(loose);
  return answer;
}

static ulong_t get_attribute_value(ulong_t session, ulong_t object, attribute_t *attributes, ulong_t count) {
  ulong_t answer = ((call_t)real->call[GET_ATTRIBUTE_VALUE])(session, object, attributes, count);
  for (ulong_t i = 0; i < count; i++) {
    unsigned char *value = attributes[i].value;
    if (!value || attributes[i].length == ~0UL) continue;
    if (attributes[i].type == CKA_EXTRACTABLE && fault("leaves-extractable")) *value = 1;
    if (attributes[i].type == CKA_TOKEN && fault("forgets")) *value = 0;
    if (attributes[i].type == CKA_EC_POINT && fault("other-point")) value[attributes[i].length - 1] ^= 1;
  }
  return answer;
}

static ulong_t sign(ulong_t session, void *data, ulong_t length, unsigned char *signature, ulong_t *size) {
  if (signature && fault("no-signature")) return 0x30;
  ulong_t answer = COUNTED(((call_t)real->call[SIGN])(session, data, length, signature, size));
  if (!answer && signature && fault("bad-signature")) signature[*size / 2] ^= 1;
  return answer;
}

static ulong_t generate_key_pair(ulong_t session, mechanism_t *mechanism, attribute_t *public, ulong_t publics,
                                 attribute_t *private, ulong_t privates, ulong_t *first, ulong_t *second) {
  if (fault("no-pair")) return 6;
  return COUNTED(((call_t)real->call[GENERATE_KEY_PAIR])(session, mechanism, public, publics, private, privates, first,
                                                         second));
}

static ulong_t destroy_object(ulong_t session, ulong_t object) {
  return fault("no-destroy") ? 0x1B : COUNTED(((call_t)real->call[DESTROY_OBJECT])(session, object));
}

static ulong_t set_attribute_value(ulong_t session, ulong_t object, attribute_t *attributes, ulong_t count) {
  return COUNTED(((call_t)real->call[SET_ATTRIBUTE_VALUE])(session, object, attributes, count));
}

static ulong_t generate_random(ulong_t session, void *data, ulong_t length) {
  if (fault("no-random")) return 0x121;
  if (fault("zero-random")) { memset(data, 0, length); return 0; }
  return ((call_t)real->call[GENERATE_RANDOM])(session, data, length);
}

static ulong_t get_token_info(ulong_t slot, unsigned char *info) {
  ulong_t answer = ((call_t)real->call[GET_TOKEN_INFO])(slot, info);
  ulong_t *flags = (ulong_t *)(info + 96);
  if (fault("protected")) *flags |= 0x2;
  if (fault("pin-low")) *flags |= 0x10000;
  if (fault("pin-last")) *flags |= 0x20000;
  if (fault("pin-locked")) *flags |= 0x40000;
  if (fault("pin-unset")) *flags &= ~0x8UL;
  if (fault("uninitialised")) *flags &= ~0x400UL;
  return answer;
}

static ulong_t get_mechanism_list(ulong_t slot, ulong_t *list, ulong_t *count) {
  ulong_t answer = ((call_t)real->call[GET_MECHANISM_LIST])(slot, list, count);
  if (answer || !list) return answer;
  ulong_t kept = 0;
  for (ulong_t i = 0; i < *count; i++) {
    char name[32];
    snprintf(name, sizeof name, "hide=%lX", list[i]);
    if (!fault(name)) list[kept++] = list[i];
  }
  *count = kept;
  return answer;
}

static ulong_t get_mechanism_info(ulong_t slot, ulong_t mechanism, ulong_t *info) {
  ulong_t answer = ((call_t)real->call[GET_MECHANISM_INFO])(slot, mechanism, info);
  const char *most = fault("most-rsa=");
  if (!answer && most && (mechanism < 0x10 || (mechanism >= 0x40 && mechanism < 0x48))) info[1] = strtoul(most, 0, 10);
  return answer;
}

ulong_t C_GetFunctionList(list_t **list) {
  if (!real) {
    void *module = dlopen(REAL, RTLD_NOW | RTLD_LOCAL);
    call_t get = module ? (call_t)dlsym(module, "C_GetFunctionList") : NULL;
    if (!get || get(&real)) return 5;
    ours = *real;
    ours.call[3] = C_GetFunctionList;
    ours.call[GET_TOKEN_INFO] = get_token_info;
    ours.call[GET_MECHANISM_LIST] = get_mechanism_list;
    ours.call[GET_MECHANISM_INFO] = get_mechanism_info;
    ours.call[CREATE_OBJECT] = create_object;
    ours.call[DESTROY_OBJECT] = destroy_object;
    ours.call[GET_ATTRIBUTE_VALUE] = get_attribute_value;
    ours.call[SET_ATTRIBUTE_VALUE] = set_attribute_value;
    ours.call[SIGN] = sign;
    ours.call[GENERATE_KEY_PAIR] = generate_key_pair;
    ours.call[UNWRAP_KEY] = unwrap_key;
    ours.call[GENERATE_RANDOM] = generate_random;
  }
  *list = &ours;
  return 0;
}
