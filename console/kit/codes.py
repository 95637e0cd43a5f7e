"""The table of error codes: family and parameter names of each. Their sentences are in `console.kit.messages`."""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """The families a code may be raised in, and the names of its parameters."""

    families: tuple[str, ...]
    params: tuple[str, ...]


_ROWS = """
malformed        malformed_body:reason body_too_deep unknown_field:field unknown_parameter:parameter bad_cursor
malformed        idempotency_key_missing malformed_address
unauthenticated  sign_in_required token_invalid token_expired
denied           role_required:right,team,roles,who csrf_failed password_change_required
not_found        not_found
method           method_not_allowed:method
too_large        body_too_large:limit too_many_fields:limit
media            unsupported_media_type:media_type
refused          operation_in_progress:operation,by,kind,percent slug_taken:slug name_taken:name
refused          number_taken:number,next
refused,rejected object_name_taken:object,owner volume_left_behind:claim,since
refused          in_use:blockers last_admin
refused,rejected version_not_accepted:environment,number,newest_release version_not_published:number
refused          made_not_accepted:environment market_application environment_not_ready:environment,state
refused          application_stopped:application registry_not_set check_failed:checks check_expired
refused          cluster_connected_already:cluster another_cluster:cluster settings_untested
refused          confirmation_required:consents nothing_changed
refused          ingress_class_missing:cluster route_host_missing:cluster,component,port
refused          route_taken:cluster,host,path
refused          nothing_deployed publication_not_ready:state not_cancellable:kind not_retryable:kind
refused,unreachable cluster_unreachable:cluster,since
stale            plan_stale:changes etag_mismatch
invalid          invalid required too_long:limit not_a_slug reserved:word not_a_number not_allowed
invalid          choice_unknown:choices
invalid          reference_not_valid:reference unknown_component:component unknown_address:address
invalid          value_missing:address route_not_possible:port
invalid          value_out_of_range:least,most dependency_cycle:path variable_conflict:name,components
invalid          file_variable_unknown:name,path kubeconfig_refused:entry,reason yaml_refused:limit
invalid,rejected address_denied:host
invalid          cannot_grant:role quota_exceeded:resource,need,left,hard idempotency_key_reused
invalid          unknown_version:number
invalid          unknown_environment:environment unknown_template:template unknown_revision:revision
invalid          unknown_user:login
invalid          wrong_type:expected malformed:example duplicate:value too_many_items:limit too_short:least
invalid          password_too_weak:reason
invalid          sign_in_refused
too_many         too_many_requests:retry_after
broken           internal:trace worker_died
not_ready        not_ready_yet:reason
unreachable,rejected registry_unreachable:registry,reason
rejected         cluster_replaced:cluster tls_not_trusted:host,reason credentials_refused:cluster
rejected         credentials_expired:cluster
rejected         permission_missing:verb,resource namespace_exists:namespace address_unreachable:host,reason
rejected         version_unsupported:version,least
rejected         registry_refused_login:registry,user registry_refused_push:registry,repository registry_full:registry
rejected         registry_failed:registry,status
rejected         image_not_found:image image_denied:image platform_missing:image,needs,has digest_mismatch:image
rejected         image_unsupported:image,media_type
refused,invalid  docker_not_set
unreachable      docker_unreachable:docker,reason
rejected         docker_failed:docker,words docker_image_missing:image docker_image_refused:image
rejected         docker_image_too_large:image,limit docker_no_room:image
rejected         image_changed:image manifest_rejected:object,field,words object_too_big:object,bytes
rejected         immutable_field:object,field field_conflict:object,field,manager,ours,theirs
rejected         policy_refused:object,words
rejected         quota_refused:object,words pull_failed:cluster,words check_timed_out:seconds
not_healthy      not_ready:component,cause,words running_digest_differs:component,expected,running
not_healthy      differs_after_rollback:fields deadline_passed:seconds children_failed:n
"""


def _read(rows: str) -> dict[str, Code]:
    table: dict[str, Code] = {}
    for line in rows.strip().splitlines():
        families, *words = line.split()
        for word in words:
            code, _, params = word.partition(":")
            table[code] = Code(tuple(families.split(",")), tuple(filter(None, params.split(","))))
    return table


CODES = _read(_ROWS)

CAUSES = (
    "image_pull_failed",
    "image_pull_denied",
    "crash_loop",
    "out_of_memory",
    "config_error",
    "unschedulable",
    "volume_unbound",
    "probe_failing",
    "quota",
    "pod_refused",
    "stuck_terminating",
    "node_lost",
    "no_pods",
    "slow",
)
"""Why a component is not ready, in the order in which a reader should be told when several hold."""
