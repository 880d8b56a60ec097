//! The one error of the core: each variant is one return value of PKCS#11.
//! Whoever knows the cause logs it where it happens; the caller gets the code.

use cryptoki_sys as ck;

macro_rules! errors {
    ($($name:ident => $code:ident),* $(,)?) => {
        /// What went wrong, in the words of PKCS#11 3.2 section 5.1.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Error {
            /// CKR_BUFFER_TOO_SMALL; carries the length in bytes that would do.
            BufferTooSmall(usize),
            $(#[doc = concat!("`", stringify!($code), "`")] $name,)*
        }

        impl Error {
            /// The return value.
            pub fn code(self) -> ck::CK_RV {
                match self {
                    Error::BufferTooSmall(_) => ck::CKR_BUFFER_TOO_SMALL,
                    $(Error::$name => ck::$code,)*
                }
            }
        }
    };
}

errors! {
    ActionProhibited => CKR_ACTION_PROHIBITED,
    AeadDecryptFailed => CKR_AEAD_DECRYPT_FAILED,
    AlreadyInitialized => CKR_CRYPTOKI_ALREADY_INITIALIZED,
    ArgumentsBad => CKR_ARGUMENTS_BAD,
    AttributeReadOnly => CKR_ATTRIBUTE_READ_ONLY,
    AttributeSensitive => CKR_ATTRIBUTE_SENSITIVE,
    AttributeTypeInvalid => CKR_ATTRIBUTE_TYPE_INVALID,
    AttributeValueInvalid => CKR_ATTRIBUTE_VALUE_INVALID,
    CantLock => CKR_CANT_LOCK,
    CurveNotSupported => CKR_CURVE_NOT_SUPPORTED,
    DataInvalid => CKR_DATA_INVALID,
    DataLenRange => CKR_DATA_LEN_RANGE,
    DeviceError => CKR_DEVICE_ERROR,
    DeviceMemory => CKR_DEVICE_MEMORY,
    DomainParamsInvalid => CKR_DOMAIN_PARAMS_INVALID,
    EncryptedDataInvalid => CKR_ENCRYPTED_DATA_INVALID,
    EncryptedDataLenRange => CKR_ENCRYPTED_DATA_LEN_RANGE,
    ExceededMaxIterations => CKR_EXCEEDED_MAX_ITERATIONS,
    FunctionCanceled => CKR_FUNCTION_CANCELED,
    FunctionFailed => CKR_FUNCTION_FAILED,
    FunctionNotParallel => CKR_FUNCTION_NOT_PARALLEL,
    FunctionNotSupported => CKR_FUNCTION_NOT_SUPPORTED,
    General => CKR_GENERAL_ERROR,
    HostMemory => CKR_HOST_MEMORY,
    KeyChanged => CKR_KEY_CHANGED,
    KeyFunctionNotPermitted => CKR_KEY_FUNCTION_NOT_PERMITTED,
    KeyHandleInvalid => CKR_KEY_HANDLE_INVALID,
    KeyIndigestible => CKR_KEY_INDIGESTIBLE,
    KeyNeeded => CKR_KEY_NEEDED,
    KeyNotNeeded => CKR_KEY_NOT_NEEDED,
    KeyNotWrappable => CKR_KEY_NOT_WRAPPABLE,
    KeySizeRange => CKR_KEY_SIZE_RANGE,
    KeyTypeInconsistent => CKR_KEY_TYPE_INCONSISTENT,
    KeyUnextractable => CKR_KEY_UNEXTRACTABLE,
    MechanismInvalid => CKR_MECHANISM_INVALID,
    MechanismParamInvalid => CKR_MECHANISM_PARAM_INVALID,
    NoEvent => CKR_NO_EVENT,
    NotInitialized => CKR_CRYPTOKI_NOT_INITIALIZED,
    ObjectHandleInvalid => CKR_OBJECT_HANDLE_INVALID,
    OperationActive => CKR_OPERATION_ACTIVE,
    OperationNotInitialized => CKR_OPERATION_NOT_INITIALIZED,
    ParameterSetNotSupported => CKR_PARAMETER_SET_NOT_SUPPORTED,
    PinIncorrect => CKR_PIN_INCORRECT,
    PinInvalid => CKR_PIN_INVALID,
    PinLenRange => CKR_PIN_LEN_RANGE,
    PinLocked => CKR_PIN_LOCKED,
    PinTooWeak => CKR_PIN_TOO_WEAK,
    PublicKeyInvalid => CKR_PUBLIC_KEY_INVALID,
    SavedStateInvalid => CKR_SAVED_STATE_INVALID,
    SessionAsyncNotSupported => CKR_SESSION_ASYNC_NOT_SUPPORTED,
    SessionClosed => CKR_SESSION_CLOSED,
    SessionCount => CKR_SESSION_COUNT,
    SessionExists => CKR_SESSION_EXISTS,
    SessionHandleInvalid => CKR_SESSION_HANDLE_INVALID,
    SessionParallelNotSupported => CKR_SESSION_PARALLEL_NOT_SUPPORTED,
    SessionReadOnly => CKR_SESSION_READ_ONLY,
    SessionReadOnlyExists => CKR_SESSION_READ_ONLY_EXISTS,
    SessionReadWriteSoExists => CKR_SESSION_READ_WRITE_SO_EXISTS,
    SignatureInvalid => CKR_SIGNATURE_INVALID,
    SignatureLenRange => CKR_SIGNATURE_LEN_RANGE,
    SlotIdInvalid => CKR_SLOT_ID_INVALID,
    StateUnsaveable => CKR_STATE_UNSAVEABLE,
    TemplateIncomplete => CKR_TEMPLATE_INCOMPLETE,
    TemplateInconsistent => CKR_TEMPLATE_INCONSISTENT,
    TokenNotInitialized => CKR_TOKEN_NOT_INITIALIZED,
    TokenNotPresent => CKR_TOKEN_NOT_PRESENT,
    TokenNotRecognized => CKR_TOKEN_NOT_RECOGNIZED,
    TokenResourceExceeded => CKR_TOKEN_RESOURCE_EXCEEDED,
    TokenWriteProtected => CKR_TOKEN_WRITE_PROTECTED,
    UnwrappingKeyHandleInvalid => CKR_UNWRAPPING_KEY_HANDLE_INVALID,
    UnwrappingKeySizeRange => CKR_UNWRAPPING_KEY_SIZE_RANGE,
    UnwrappingKeyTypeInconsistent => CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT,
    UserAlreadyLoggedIn => CKR_USER_ALREADY_LOGGED_IN,
    UserAnotherAlreadyLoggedIn => CKR_USER_ANOTHER_ALREADY_LOGGED_IN,
    UserNotLoggedIn => CKR_USER_NOT_LOGGED_IN,
    UserPinNotInitialized => CKR_USER_PIN_NOT_INITIALIZED,
    UserTypeInvalid => CKR_USER_TYPE_INVALID,
    WrappedKeyInvalid => CKR_WRAPPED_KEY_INVALID,
    WrappedKeyLenRange => CKR_WRAPPED_KEY_LEN_RANGE,
    WrappingKeyHandleInvalid => CKR_WRAPPING_KEY_HANDLE_INVALID,
    WrappingKeySizeRange => CKR_WRAPPING_KEY_SIZE_RANGE,
    WrappingKeyTypeInconsistent => CKR_WRAPPING_KEY_TYPE_INCONSISTENT,
}

/// What every function of the core returns.
pub type Result<T> = std::result::Result<T, Error>;
