"""What each error class of the vendors' SDKs means here: decided class by class.

An upgrade that brings a new class fails ``test_provider_errors`` until it is added here.
"""

from __future__ import annotations

from agentchat.errors import (
    BadRequest,
    ConnectionLost,
    ContextTooLong,
    ModelError,
    ModelTimeout,
    ModelUnavailable,
    Overloaded,
    QuotaExceeded,
    RateLimited,
    UnknownModel,
    WrongKey,
)

_OPENAI: dict[type[ModelError], str] = {
    ModelError: """
        OpenAIError SubjectTokenProviderError LengthFinishReasonError
        ContentFilterFinishReasonError WebSocketConnectionClosedError WebSocketQueueFullError
        StreamAlreadyConsumed MutuallyExclusiveAuthError APIRemovedInV1
        _AmbiguousModuleClientUsageError MissingDependencyError AgentFilePreparationError
        AgentFileStagingError AgentOutputParseError AgentTurnResultError
    """,
    WrongKey: """
        AuthenticationError OAuthError PermissionDeniedError
    """,
    UnknownModel: """
        NotFoundError
    """,
    BadRequest: """
        BadRequestError UnprocessableEntityError
    """,
    ModelUnavailable: """
        APIError APIResponseValidationError APIStatusError ConflictError InternalServerError
    """,
    RateLimited: """
        RateLimitError
    """,
    ModelTimeout: """
        APITimeoutError
    """,
    ConnectionLost: """
        APIConnectionError
    """,
}

_ANTHROPIC: dict[type[ModelError], str] = {
    ModelError: """
        AnthropicError
    """,
    WrongKey: """
        AuthenticationError PermissionDeniedError SandboxEgressRestrictedError CredentialsError
        IdentityTokenFileError
    """,
    UnknownModel: """
        NotFoundError
    """,
    QuotaExceeded: """
        PaymentRequiredError LinkedOrganizationBillingUnavailableError
        LinkedOrganizationSpendLimitReachedError ContractSpendLimitReachedError
        EnforcedSpendLimitReachedError
    """,
    ContextTooLong: """
        ContentTooLargeError RequestBodyTooLargeAfterDecodingError
    """,
    BadRequest: """
        BadRequestError CMEKKeyDisabledError OrganizationOnHoldError CMEKKeyNetworkBlockedError
        ClaudeCodeVersionTooOldError ParentOrganizationRequiredError
        RequestBodyEncodingInvalidError OrganizationTypeNotSupportedError
        RequestBodyEncodingUnsupportedError ClaudeCodeKeyCreatorNotMemberError
        PreconditionFailedError UnprocessableEntityError RequestHeaderFieldsTooLargeError
    """,
    ModelUnavailable: """
        APIError APIResponseValidationError APIWebhookValidationError APIStatusError ConflictError
        InternalServerError HTTPNotImplementedError RetryableError
    """,
    RateLimited: """
        RateLimitError RampLimitExceededError
    """,
    Overloaded: """
        ServiceUnavailableError CMEKKeyUnreachableError CMEKContextUnavailableError
        OverloadedError
    """,
    ModelTimeout: """
        RequestTimeoutError GatewayTimeoutError APITimeoutError
    """,
    ConnectionLost: """
        ClientClosedRequestError APIConnectionError
    """,
}

# Of other endpoints, of betas and of helpers we do not call: mapped by their status alone.
_ANTHROPIC_ELSEWHERE: dict[type[ModelError], str] = {
    ModelError: """
        StreamAlreadyConsumed WorkloadIdentityError ToolsetUsageError ToolsetConfigError
        ToolsetContractError ToolsetsFixedError NestedCallError AsyncOnSyncToolsetError
        SyncOnAsyncToolsetError BrowserStateError ToolsetClosedError MissingDependencyError
        MutuallyExclusiveAuthError
    """,
    WrongKey: """
        BetaEnvironmentCreateDisabledError BetaEnvironmentUpdateDisabledError
        BetaAPIKeyScopeMissingError BetaCannotSignOutOwnerError BetaClaudeTagWritesNotEnabledError
        BetaCannotSignOutManagedMemberError BetaCannotSignOutMembershipAdminError
        BetaCannotSignOutPrivilegedMemberError BetaComplianceConfigurationRestrictedError
        BetaSpendLimitsAdminAPIWritesNotEnabledError
        BetaOrganizationLevelScopedAPIKeyRequiredError UserProfileNotBillableError
        UserProfileBillingNotAuthorizedError
    """,
    UnknownModel: """
        BetaEnvironmentNotFoundError BetaRBACGroupNotFoundError
        BetaSlackChannelSetUpEnvironmentNotFoundError BetaRBACGroupManagedSettingsNotFoundError
        FileExpiredError ThreadNotFoundError RBACRoleNotFoundError
    """,
    BadRequest: """
        BetaInvalidMetadataError BetaEnvironmentArchivedError BetaInvalidConfigTypeChangeError
        AlreadyMemberError KeyProfileMismatchError InviteAlreadyExistsError
        EmailDomainNotAllowedError CannotRemoveLastMemberError OrgAPIKeyLimitExceededError
        WorkspacePolicyViolationError ExternalKeyValidationFailedError
        RBACGroupGrantsOwnerAccessError WorkspaceMemberLimitExceededError
        ExternalKeyInWorkspacePolicyError WorkspaceAPIKeyLimitExceededError
        ExternalKeyValidationTimedOutError RBACGroupOwnerAccessUnconfirmedError
        CannotInviteEmailsWithUnverifiedDomainsError BetaScanFailedError BetaBundleOnCallError
        BetaCannotSignOutSelfError BetaCannotSignOutPrimaryOwnerError
        BetaBundleAttachmentNotSupportedError BetaSlackChannelSetUpSettingsRefusedError
        BetaCMEKFeatureUnsupportedError BetaRBACGroupOrderLimitExceededError
        BetaSettingsHistoryLimitExceededError BetaSettingsDocumentLimitExceededError
        ToolNameConflictError FileNotDownloadableError UserProfileRequiredError
        StorageQuotaExceededError UserProfileNotFoundError BetaUnsupportedCharsetError
        ThreadAlreadyContinuedError OrgMemberLimitExceededError ThreadContinueInFlightError
        ToolReferenceUnresolvedError CompactionBlockAmbiguousError CompactionBlockMisplacedError
        CompactionIncompleteTurnError ImageDimensionsTooLargeError ThreadUnsupportedRequestError
        CompactionContentMismatchError ThreadFingerprintMismatchError
        CompactionSignatureInvalidError AvailableToolsLimitExceededError
        CompactionNothingToSummarizeError CompactionToolChangesMismatchError
        CompactionTooManyToolReferencesError BetaOrganizationNotEnrolledInBetaError
        BetaHeartbeatPreconditionFailedError
    """,
    ModelUnavailable: """
        ExternalKeyChangedError BetaScanPendingError BetaSkillNameTakenError
        BetaPluginNameTakenError BetaSlackChannelSetUpSettingsConflictError
        ConcurrentMembershipChangeError SkillReadBlockedUndecryptableError
    """,
    Overloaded: """
        BetaRegistrationPendingError CompactionUnavailableError
    """,
    ModelTimeout: """
        BetaRequestBodyTimeoutError
    """,
}


def _by_name(*tables: dict[type[ModelError], str]) -> dict[str, type[ModelError]]:
    return {
        name: ours for table in tables for ours, names in table.items() for name in names.split()
    }


EXPECTED = {"openai": _by_name(_OPENAI), "anthropic": _by_name(_ANTHROPIC, _ANTHROPIC_ELSEWHERE)}
