"""The statements that fill a database with a large enterprise, in order. `seed.n` gives sizes, `seed.id` the key of the
n-th row of a kind, `seed.at` its time: keys grow with time, as those of the console do, and any row can name another
without reading it. The numbers of kinds stand in `bench.seed`.
"""

from __future__ import annotations

PEOPLE = [
    """INSERT INTO enterprise (id, created_at, updated_at, row_version, slug, name)
    VALUES (seed.id(1, 1), now(), now(), 1, 'bench', 'Bench')""",
    """INSERT INTO "user" (id, created_at, updated_at, row_version, password, last_login, is_superuser, enterprise_id,
      login, name, email, enterprise_roles, is_active, must_change_password, language, time_zone, theme)
    SELECT seed.id(3, n), seed.at(3, n), seed.at(3, n), 1, '!unusable', seed.at(3, n), false, seed.id(1, 1),
      coalesce(p.login, 'user' || n), coalesce(initcap(p.login), 'Person ' || n), 'user' || n || '@example.com',
      (CASE n WHEN 1 THEN '{admin}' ELSE '{}' END)::varchar[], true, false, '', '', 'auto'
    FROM generate_series(1, seed.n('users')) n LEFT JOIN seed.person p USING (n)""",
    """INSERT INTO team (id, created_at, updated_at, row_version, enterprise_id, slug, name)
    SELECT seed.id(2, n), seed.at(2, n), seed.at(2, n), 1, seed.id(1, 1), 'team-' || to_char(n, 'FM000000'),
      'Team ' || n
    FROM generate_series(1, seed.n('teams')) n""",
    """INSERT INTO auth_group (name)
    SELECT 'team:' || seed.id(2, n) || ':' || role
    FROM generate_series(1, seed.n('teams')) n, (SELECT DISTINCT role FROM seed.right) r""",
    """INSERT INTO team_group_permission (group_id, permission_id, content_object_id)
    SELECT g.id, p.id, seed.id(2, n)
    FROM generate_series(1, seed.n('teams')) n CROSS JOIN seed.right r
    JOIN auth_group g ON g.name = 'team:' || seed.id(2, n) || ':' || r.role
    JOIN auth_permission p ON p.codename = r.codename
    JOIN django_content_type t ON t.id = p.content_type_id AND t.app_label = 'teams' AND t.model = 'team'""",
    # Four of the many in every team; the developer in three, of one as its admin; delivery staff in 200.
    """CREATE UNLOGGED TABLE seed.member AS
    SELECT row_number() OVER () n, team, person, role FROM (
      SELECT t team, 4 + (t * 4 + i) % (seed.n('users') - 3) person,
        (ARRAY['admin', 'developer', 'tester', 'viewer'])[i + 1] role
      FROM generate_series(1, seed.n('teams')) t, generate_series(0, 3) i
      UNION ALL SELECT t, 2, role FROM (VALUES (1, 'developer'), (2, 'admin'), (3, 'developer')) d(t, role)
      UNION ALL SELECT 1 + i * (seed.n('teams') / 200), 3, 'delivery' FROM generate_series(0, 199) i) m""",
    """INSERT INTO membership (id, created_at, team_id, user_id, role, granted_by_id)
    SELECT seed.id(4, n), seed.at(4, n), seed.id(2, team), seed.id(3, person), role, seed.id(3, 1) FROM seed.member""",
    """INSERT INTO user_groups (user_id, group_id)
    SELECT seed.id(3, person), g.id FROM seed.member
    JOIN auth_group g ON g.name = 'team:' || seed.id(2, team) || ':' || role""",
    """INSERT INTO image_registry (id, created_at, updated_at, row_version, enterprise_id, address, prefix, "user",
          sealed,
      plain_http, state, saved_untested, saved_by_id)
    SELECT seed.id(13, n), now(), now(), 1, seed.id(1, 1), 'registry' || n || '.example.com', 'library', 'ci', s.text,
      false, CASE n WHEN 1 THEN 'current' ELSE 'former' END, true, seed.id(3, 1)
    FROM generate_series(1, 2) n JOIN seed.sealed s ON s.id = seed.id(13, n)""",
]

PLACES = [
    """INSERT INTO cluster (id, created_at, updated_at, row_version, enterprise_id, slug, name, endpoint, ca_pem,
      credential_kind, sealed, uid, version, health, health_params, misses, probed_at, seen_at, capacity)
    SELECT seed.id(5, n), seed.at(5, n), now(), 1, seed.id(1, 1), 'cluster-' || to_char(n, 'FM0000'), 'Cluster ' || n,
      'https://10.' || n / 250 || '.' || n % 250 || '.2:6443', '', 'token', s.text, gen_random_uuid(), 'v1.36.3',
      'online', '{}', 0, now(), now(), seed.doc('capacity')
    FROM generate_series(1, seed.n('clusters')) n JOIN seed.sealed s ON s.id = seed.id(5, n)""",
    """INSERT INTO environment (id, created_at, updated_at, row_version, enterprise_id, team_id, cluster_id, slug, name,
      namespace, stage, accepts, position, state, pod_security, quota, quota_used)
    SELECT seed.id(6, n), seed.at(6, n), now(), 1, seed.id(1, 1), seed.id(2, team), seed.id(5,
      1 + n % seed.n('clusters')),
      'env-' || to_char(n, 'FM000000'), 'Environment ' || n, 'env-' || n, stage,
      CASE stage WHEN 'test' THEN 'any' ELSE 'release' END, 0, 'ready', 'restricted', seed.doc('quota'),
        seed.doc('used')
    FROM seed.environment""",
    """INSERT INTO application (id, created_at, updated_at, row_version, environment_id, slug, name, origin, desired,
          salt)
    SELECT app, seed.at(7, n), now(), 1, environment, slug, initcap(slug), CASE WHEN made THEN 'made' ELSE 'market' END,
      'running', s.text
    FROM seed.place p JOIN seed.sealed s ON s.id = p.app""",
    """INSERT INTO component (id, created_at, updated_at, row_version, application_id, key, name, definition, position)
    SELECT seed.id(8, n * 4 + i), now(), now(), 1, app, d.value ->> 'key', d.value ->> 'name', d.value, i
    FROM seed.place, jsonb_array_elements(seed.doc('draft')) WITH ORDINALITY d(value, i) WHERE made""",
]

_BORN = """INSERT INTO operation (id, created_at, updated_at, row_version, number, enterprise_id, team_id, kind,
      is_batch,
      subject_type, subject_id, subject, environment_id, cluster_id, lock_key, state, changed, epoch, attempts,
      not_before, deadline, input, done, total, unit, outcome_params, parent_id, initiator_id, request_id)
    SELECT seed.id(9, n), seed.at(9, number), seed.at(9, number), 1, number, seed.id(1, 1), team,
      kind, kind = 'batch', subject_type, subject,
      jsonb_build_object('type', subject_type, 'id', subject, 'name', name, 'href', href),
      environment, cluster, CASE WHEN active THEN lock END,
      CASE kind WHEN 'batch' THEN 'running' ELSE 'queued' END, 'nothing', 0, 0,
      seed.at(9, number), seed.at(9, number) + interval '1 hour',
      CASE kind WHEN 'batch' THEN '{"kind": "install"}' WHEN 'publish' THEN jsonb_build_object('publication', subject)
        ELSE '{}' END, 0, 6, 'steps', '{}', parent,
      seed.id(3, person), 'seed'
    FROM seed.work"""

OPERATIONS = [
    # Batches before their parts. Every row is born as the console's are, and moves as they do.
    _BORN + " WHERE kind = 'batch'",
    _BORN + " WHERE kind <> 'batch' ORDER BY number",
    "SELECT setval(pg_get_serial_sequence('operation', 'number'), seed.n('operations'))",
    """UPDATE operation o SET state = 'running', epoch = 1, attempts = 1, started_at = created_at + interval '2 seconds'
    FROM seed.work w WHERE w.number = o.number AND o.state = 'queued' AND NOT active""",
    """UPDATE operation SET done = 6, finished_at = created_at + interval '1 minute',
      state = CASE WHEN number % 20 = 0 THEN 'failed' ELSE 'succeeded' END,
      changed = CASE WHEN number % 20 = 0 THEN 'part' ELSE 'all' END,
      outcome_code = CASE WHEN number % 20 = 0 THEN 'deadline_passed' END, outcome_params = '{"seconds": 3600}'
    WHERE state = 'running'""",
    """INSERT INTO step (id, created_at, updated_at, row_version, operation_id, seq, key, state, epoch, intent,
          observed,
      done, total, unit, message_params, started_at, finished_at)
    SELECT seed.id(10, o.number * 8 + i), o.created_at, o.created_at, 1, o.id, i, key,
      CASE WHEN o.finished_at IS NULL THEN 'pending' ELSE 'done' END, 1, '{}', '{}', 0, 0, '', '{}', o.started_at,
      o.finished_at
    FROM operation o,
      unnest(ARRAY['check', 'render', 'dry_run', 'base', 'component:web', 'verify']) WITH ORDINALITY s(key, i)
    WHERE NOT o.is_batch ORDER BY o.number""",
    """INSERT INTO operation_event (operation_id, at, level, code, params)
    SELECT o.id, o.created_at, 'info', code, '{}'
    FROM operation o, unnest(ARRAY['started', 'operation_succeeded']) code WHERE o.finished_at IS NOT NULL
    ORDER BY o.number""",
]

MARKET = [
    """INSERT INTO template (id, created_at, updated_at, row_version, enterprise_id, team_id, slug, name, scope,
          intro, tags)
    SELECT seed.id(11, n), seed.at(11, n), now(), 1, seed.id(1, 1), seed.id(2, 1 + n * 7 % seed.n('teams')),
      (ARRAY['shop', 'ledger', 'mail', 'search', 'wiki'])[1 + n % 5] || '-' || to_char(n, 'FM000000'),
      (ARRAY['Shop', 'Ledger', 'Mail', 'Search', 'Wiki'])[1 + n % 5] || ' ' || n,
      CASE WHEN n % 5 = 3 THEN 'team' ELSE 'enterprise' END, 'What template ' || n || ' is for',
      ARRAY[(ARRAY['java', 'python', 'go', 'web', 'data', 'tools'])[1 + n % 6], (ARRAY['core', 'edge'])[1 + n % 2]]
    FROM generate_series(1, seed.n('templates')) n""",
    """INSERT INTO version (id, created_at, updated_at, row_version, template_id, number, sort_key, state, mark,
          document,
      content_hash, registry_id, bytes, published_by_id, published_at)
    SELECT seed.id(12, n), seed.at(12, n), seed.at(12, n), 1, seed.id(11, template), number, sort_key,
      CASE WHEN n % 101 = 0 THEN 'withdrawn' ELSE 'published' END,
      CASE WHEN index % 3 = 0 THEN 'release' ELSE 'test' END,
      seed.doc('version') || jsonb_build_object('number', number), md5(n::text) || md5(n::text),
      seed.id(13, CASE WHEN n % 100 = 7 THEN 2 ELSE 1 END), 300000, seed.id(3, 4 + n % 1000), seed.at(12, n)
    FROM seed.version JOIN seed.number USING (index) ORDER BY index DESC, n""",
    """INSERT INTO mark_event (id, created_at, version_id, mark, by_id, at)
    SELECT seed.id(14, n), seed.at(12, n), seed.id(12, n), 'release', seed.id(3, 4 + n % 1000), seed.at(12, n)
    FROM seed.version WHERE index % 3 = 0""",
]

RECORDS = [
    """INSERT INTO revision (id, created_at, updated_at, row_version, application_id, number, kind, state, document,
      document_hash, values, source, based_on_id, operation_id, objects, sealed)
    SELECT r.revision, seed.at(15, r.n), now(), 1, p.app, r.number,
      CASE WHEN p.made THEN 'deploy' WHEN r.number = 1 THEN 'install' ELSE 'upgrade' END,
      CASE WHEN r.current THEN 'deployed' WHEN r.number % 10 = 9 THEN 'failed' ELSE 'superseded' END,
      CASE WHEN p.made THEN seed.doc('deployed') ELSE seed.doc('delivered') END, md5(r.n::text) || md5(r.n::text),
      seed.doc('values'),
      CASE WHEN NOT p.made THEN jsonb_build_object('template', p.template_slug, 'number', v.number, 'content_hash',
        'c') END,
      CASE WHEN r.number = 2 AND NOT p.made THEN seed.id(15, r.n - 1) END, seed.id(9, r.n),
      coalesce(s.objects, seed.doc('objects')), s.text
    FROM seed.record r JOIN seed.place p ON p.n = r.place
    LEFT JOIN seed.number v ON v.index = CASE WHEN r.current THEN p.newer ELSE p.older END
    LEFT JOIN seed.sealed s ON s.id = r.revision ORDER BY r.n""",
    """UPDATE application a SET current_revision_id = r.id FROM revision r
    WHERE r.application_id = a.id AND r.state = 'deployed'""",
    """INSERT INTO application_status (application_id, state, cause_params, components, access, volumes, events,
      digests_match, observed_at)
    SELECT app, CASE WHEN n % 20 = 0 THEN 'degraded' ELSE 'running' END, '{}', seed.doc('seen'), seed.doc('access'),
      '[]', seed.doc('events'), true, now() + interval '1 day'
    FROM seed.place""",
    """INSERT INTO applied_object (id, created_at, updated_at, row_version, application_id, environment_id, api_version,
      kind, name, hash, revision_id, state)
    SELECT seed.id(16, p.n * 4 + i), now(), now(), 1, p.app, p.environment, 'v1', kind, p.slug || '-' || i, 'h',
      a.current_revision_id, 'applied'
    FROM seed.place p JOIN application a ON a.id = p.app,
      unnest(ARRAY['Deployment', 'Service', 'PersistentVolumeClaim']) WITH ORDINALITY k(kind, i)""",
    """INSERT INTO installation (id, created_at, updated_at, row_version, application_id, template_id, version_id)
    SELECT seed.id(17, n), seed.at(7, n), now(), 1, app, seed.id(11, template), seed.version(template, newer)
    FROM seed.place WHERE NOT made""",
    """INSERT INTO delivery (id, created_at, revision_id, version_id, gate)
    SELECT seed.id(18, r.n), seed.at(15, r.n), r.revision,
      seed.version(p.template, CASE WHEN r.current THEN p.newer ELSE p.older END), '{"accepted": {"accepts": "any"}}'
    FROM seed.record r JOIN seed.place p ON p.n = r.place WHERE NOT p.made""",
    """INSERT INTO publication (id, created_at, updated_at, row_version, application_id, number, revision_id,
      template_slug, version_number, settings, confirm_by_itself, state, operation_id, by_id)
    SELECT seed.id(19, u.n), o.created_at, now(), 1, p.app, u.number, a.current_revision_id, 'shop-000005',
      '1.' || u.number, '{"parameters": []}', false,
      CASE WHEN o.finished_at IS NULL THEN 'copying' WHEN o.state = 'failed' THEN 'failed' ELSE 'published' END, o.id,
      seed.id(3, 2)
    FROM seed.publication u JOIN seed.place p ON p.n = u.place JOIN application a ON a.id = p.app
    JOIN operation o ON o.id = u.operation""",
    """INSERT INTO publication_image (id, created_at, updated_at, row_version, publication_id, source, digest, path,
      components, state, bytes_total, bytes_done, bytes_there, params)
    SELECT seed.id(20, n * 4 + i), now(), now(), 1, seed.id(19, n), 'registry.example.com/dev/' || key || ':1',
      'sha256:' || md5(key) || md5(key), 'shop/' || key, ARRAY[key], 'done', 100000, 100000, 0, '{}'
    FROM seed.publication, unnest(ARRAY['api', 'db', 'web']) WITH ORDINALITY k(key, i)""",
]

TRAIL = [
    """INSERT INTO audit_event (id, created_at, enterprise_id, at, action, actor_id, object_type, object_id,
          object_label,
      team_id, environment_id, result, before, after, reason, request_id, ip)
    SELECT seed.id(21, n), seed.at(21, n), seed.id(1, 1), seed.at(21, n), action,
      seed.id(3, CASE WHEN n % 50 = 0 THEN 2 ELSE 4 + n * 17 % (seed.n('users') - 3) END),
      kind, n, CASE kind WHEN 'app' THEN 'env-' || to_char(1 + n % seed.n('teams'), 'FM000000') || '/app-' || n % 9973
        WHEN 'user' THEN 'user' || n % 9973 ELSE 'team-' || to_char(1 + n % seed.n('teams'), 'FM000000') END,
      CASE WHEN n % 10 > 0 THEN seed.id(2, 1 + n * 31 % seed.n('teams')) END,
      CASE WHEN kind = 'app' THEN seed.id(6, 1 + n % seed.n('teams')) END,
      CASE WHEN n % 40 = 0 THEN 'refused' ELSE 'done' END, '{"roles": ["viewer"]}', '{"roles": ["viewer", "tester"]}',
      NULL, 'seed', '203.0.113.7'
    FROM generate_series(1, seed.n('events')) n,
      LATERAL (SELECT (ARRAY['member.roles_changed', 'application.created', 'component.changed', 'session.signed_in',
        'version.published', 'version.marked_release', 'application.renamed', 'member.added'])[1 + n / 7 % 8] action) w,
      LATERAL (SELECT CASE split_part(action, '.', 1) WHEN 'member' THEN 'team' WHEN 'session' THEN 'user'
        ELSE 'app' END
        kind) k
    ORDER BY n""",
]
