"""Tables

Revision ID: 0001
Revises: 
"""

import sqlalchemy as sa
from alembic import op

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('accounts',
    sa.Column('source', sa.String(length=32), nullable=False),
    sa.Column('handle', sa.String(length=255), nullable=False),
    sa.Column('url', sa.String(), nullable=False),
    sa.Column('external_id', sa.String(length=255), nullable=True),
    sa.Column('display_name', sa.String(), nullable=True),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_accounts')),
    sa.UniqueConstraint('source', 'external_id', name=op.f('uq_accounts_source_external_id')),
    sa.UniqueConstraint('source', 'handle', name=op.f('uq_accounts_source_handle'))
    )
    op.create_table('bodies',
    sa.Column('sha256', sa.LargeBinary(length=32), nullable=False),
    sa.Column('packed', sa.LargeBinary(), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('kept_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('sha256', name=op.f('pk_bodies'))
    )
    op.create_table('checkpoints',
    sa.Column('tree_size', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('root_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('frontier', sa.LargeBinary(), nullable=False),
    sa.Column('note', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('tree_size', name=op.f('pk_checkpoints'))
    )
    op.create_table('civil_servants',
    sa.Column('status', sa.Enum('PNS', 'PPPK', 'PPNPN', name='staffstatus', native_enum=False, length=32), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('nip_index', sa.String(length=64), nullable=False),
    sa.Column('name_index', sa.String(length=64), nullable=False),
    sa.Column('salt', sa.LargeBinary(length=16), nullable=False),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_civil_servants')),
    sa.UniqueConstraint('nip_index', name=op.f('uq_civil_servants_nip_index'))
    )
    with op.batch_alter_table('civil_servants', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_civil_servants_name_index'), ['name_index'], unique=False)

    op.create_table('cluster_bands',
    sa.Column('hash', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('text_key', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.PrimaryKeyConstraint('hash', name=op.f('pk_cluster_bands'))
    )
    op.create_table('contests',
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('region', sa.String(), nullable=False),
    sa.Column('election_day', sa.Date(), nullable=False),
    sa.Column('spec', sa.JSON(), nullable=False),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contests')),
    sa.UniqueConstraint('name', name=op.f('uq_contests_name'))
    )
    op.create_table('counted',
    sa.Column('name', sa.String(length=16), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_counted'))
    )
    op.create_table('hosts',
    sa.Column('name', sa.String(length=253), nullable=False),
    sa.Column('holder', sa.String(length=26), nullable=True),
    sa.Column('held_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('rest_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('rest_reason', sa.String(length=300), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('openings', sa.Integer(), nullable=False),
    sa.Column('last_failure', sa.String(length=300), nullable=False),
    sa.Column('last_request_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_success_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('crawl_delay', sa.Double(), nullable=False),
    sa.Column('window_started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('window_requests', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_hosts'))
    )
    with op.batch_alter_table('hosts', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_hosts_holder'), ['holder'], unique=False)

    op.create_table('installation',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('tombstone_salt', sa.LargeBinary(length=32), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_installation'))
    )
    op.create_table('log_entries',
    sa.Column('seq', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor', sa.String(length=64), nullable=False),
    sa.Column('action', sa.String(length=64), nullable=False),
    sa.Column('subject', sa.String(length=64), nullable=False),
    sa.Column('entry', sa.LargeBinary(), nullable=False),
    sa.Column('leaf_hash', sa.LargeBinary(length=32), nullable=False),
    sa.PrimaryKeyConstraint('seq', name=op.f('pk_log_entries'))
    )
    with op.batch_alter_table('log_entries', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_log_entries_action'), ['action'], unique=False)
        batch_op.create_index(batch_op.f('ix_log_entries_subject'), ['subject'], unique=False)

    op.create_table('officers',
    sa.Column('username', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('position', sa.String(), nullable=False),
    sa.Column('password_hash', sa.String(), nullable=False),
    sa.Column('roles', sa.JSON(), nullable=False),
    sa.Column('language', sa.String(length=2), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('failed_logins', sa.Integer(), nullable=False),
    sa.Column('locked_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_officers')),
    sa.UniqueConstraint('username', name=op.f('uq_officers_username'))
    )
    op.create_table('run_hours',
    sa.Column('hour', sa.DateTime(timezone=True), nullable=False),
    sa.Column('source', sa.String(length=32), nullable=False),
    sa.Column('outcome', sa.String(length=32), nullable=False),
    sa.Column('late', sa.String(length=60), nullable=False),
    sa.Column('runs', sa.Integer(), nullable=False),
    sa.Column('times', sa.Integer(), nullable=False),
    sa.Column('seen', sa.Integer(), nullable=False),
    sa.Column('new', sa.Integer(), nullable=False),
    sa.Column('edited', sa.Integer(), nullable=False),
    sa.Column('unparsed', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('hour', 'source', 'outcome', 'late', name=op.f('pk_run_hours'))
    )
    op.create_table('storage_days',
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('database_bytes', sa.BigInteger(), nullable=False),
    sa.Column('bodies', sa.BigInteger(), nullable=False),
    sa.Column('bodies_bytes', sa.BigInteger(), nullable=False),
    sa.Column('evidence_files', sa.BigInteger(), nullable=False),
    sa.Column('evidence_bytes', sa.BigInteger(), nullable=False),
    sa.Column('free_bytes', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('day', name=op.f('pk_storage_days'))
    )
    op.create_table('tombstones',
    sa.Column('digest', sa.LargeBinary(length=32), nullable=False),
    sa.PrimaryKeyConstraint('digest', name=op.f('pk_tombstones'))
    )
    op.create_table('account_handles',
    sa.Column('account_id', sa.String(length=26), nullable=False),
    sa.Column('platform_id', sa.String(length=255), nullable=False),
    sa.Column('handle', sa.String(length=255), nullable=False),
    sa.Column('first_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['accounts.id'], name=op.f('fk_account_handles_account_id_accounts')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_account_handles'))
    )
    with op.batch_alter_table('account_handles', schema=None) as batch_op:
        batch_op.create_index('ix_account_handles_account_id_first_seen_at', ['account_id', 'first_seen_at'], unique=False)

    op.create_table('attributions',
    sa.Column('account_id', sa.String(length=26), nullable=False),
    sa.Column('civil_servant_id', sa.String(length=26), nullable=False),
    sa.Column('evidence', sa.String(), nullable=False),
    sa.Column('confidence', sa.Enum('confirmed_by_holder', 'official_record', 'several_sources', 'single_source', name='confidence', native_enum=False, length=32), nullable=False),
    sa.Column('asserted_by', sa.String(length=26), nullable=False),
    sa.Column('asserted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('verified_by', sa.String(length=26), nullable=True),
    sa.Column('verified_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('namesakes_seen', sa.Integer(), nullable=True),
    sa.Column('distinction', sa.String(), nullable=False),
    sa.Column('state', sa.Enum('claimed', 'verified', 'rejected', 'suspended', name='attributionstate', native_enum=False, length=32), nullable=False),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['accounts.id'], name=op.f('fk_attributions_account_id_accounts')),
    sa.ForeignKeyConstraint(['asserted_by'], ['officers.id'], name=op.f('fk_attributions_asserted_by_officers')),
    sa.ForeignKeyConstraint(['civil_servant_id'], ['civil_servants.id'], name=op.f('fk_attributions_civil_servant_id_civil_servants')),
    sa.ForeignKeyConstraint(['verified_by'], ['officers.id'], name=op.f('fk_attributions_verified_by_officers')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_attributions'))
    )
    with op.batch_alter_table('attributions', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_attributions_account_id'), ['account_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_attributions_civil_servant_id'), ['civil_servant_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_attributions_state'), ['state'], unique=False)
        batch_op.create_index('uq_attributions_live', ['account_id'], unique=True, sqlite_where=sa.text("state IN ('claimed', 'verified', 'suspended')"), postgresql_where=sa.text("state IN ('claimed', 'verified', 'suspended')"))

    op.create_table('log_words',
    sa.Column('seq', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('salt', sa.LargeBinary(length=16), nullable=False),
    sa.Column('words', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['seq'], ['log_entries.seq'], name=op.f('fk_log_words_seq_log_entries')),
    sa.PrimaryKeyConstraint('seq', name=op.f('pk_log_words'))
    )
    op.create_table('login_sessions',
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('officer_id', sa.String(length=26), nullable=False),
    sa.Column('csrf_token', sa.String(length=64), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['officer_id'], ['officers.id'], name=op.f('fk_login_sessions_officer_id_officers')),
    sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_login_sessions'))
    )
    with op.batch_alter_table('login_sessions', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_login_sessions_expires_at'), ['expires_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_login_sessions_officer_id'), ['officer_id'], unique=False)

    op.create_table('mandates',
    sa.Column('number', sa.String(length=120), nullable=False),
    sa.Column('legal_basis', sa.String(), nullable=False),
    sa.Column('agency', sa.String(), nullable=False),
    sa.Column('region', sa.String(), nullable=False),
    sa.Column('contest_id', sa.String(length=26), nullable=False),
    sa.Column('first_day', sa.Date(), nullable=False),
    sa.Column('last_day', sa.Date(), nullable=False),
    sa.Column('utc_offset_minutes', sa.Integer(), nullable=False),
    sa.Column('entered_by', sa.String(length=26), nullable=False),
    sa.Column('entered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('approved_by', sa.String(length=26), nullable=True),
    sa.Column('approved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('state', sa.Enum('proposed', 'approved', 'revoked', name='mandatestate', native_enum=False, length=32), nullable=False),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['approved_by'], ['officers.id'], name=op.f('fk_mandates_approved_by_officers')),
    sa.ForeignKeyConstraint(['contest_id'], ['contests.id'], name=op.f('fk_mandates_contest_id_contests')),
    sa.ForeignKeyConstraint(['entered_by'], ['officers.id'], name=op.f('fk_mandates_entered_by_officers')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mandates')),
    sa.UniqueConstraint('number', name=op.f('uq_mandates_number'))
    )
    with op.batch_alter_table('mandates', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_mandates_contest_id'), ['contest_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_mandates_state'), ['state'], unique=False)

    op.create_table('model_comparisons',
    sa.Column('challenger_sha256', sa.String(length=64), nullable=False),
    sa.Column('champion_sha256', sa.String(length=64), nullable=False),
    sa.Column('passed', sa.Boolean(), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('compared_by', sa.String(length=26), nullable=False),
    sa.Column('compared_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['compared_by'], ['officers.id'], name=op.f('fk_model_comparisons_compared_by_officers')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_model_comparisons'))
    )
    with op.batch_alter_table('model_comparisons', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_model_comparisons_challenger_sha256'), ['challenger_sha256'], unique=False)

    op.create_table('posts',
    sa.Column('source', sa.String(length=32), nullable=False),
    sa.Column('external_id', sa.String(length=500), nullable=False),
    sa.Column('account_id', sa.String(length=26), nullable=True),
    sa.Column('author', sa.String(), nullable=False),
    sa.Column('url', sa.String(), nullable=True),
    sa.Column('posted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('first_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('text_sha256', sa.LargeBinary(length=32), nullable=False),
    sa.Column('salt', sa.LargeBinary(length=16), nullable=False),
    sa.Column('versions', sa.Integer(), nullable=False),
    sa.Column('is_repost', sa.Boolean(), nullable=False),
    sa.Column('state', sa.Enum('seen', 'edited', 'deleted', 'unavailable', 'account_gone', name='poststate', native_enum=False, length=32), nullable=False),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['accounts.id'], name=op.f('fk_posts_account_id_accounts')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_posts')),
    sa.UniqueConstraint('source', 'external_id', name=op.f('uq_posts_source_external_id'))
    )
    with op.batch_alter_table('posts', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_posts_account_id'), ['account_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_posts_first_seen_at'), ['first_seen_at'], unique=False)

    op.create_table('attribution_sources',
    sa.Column('attribution_id', sa.String(length=26), nullable=False),
    sa.Column('kind', sa.Enum('holder_statement', 'official_record', 'profile', 'public_link', 'witness', 'other', name='sourcekind', native_enum=False, length=32), nullable=False),
    sa.Column('reference', sa.String(), nullable=False),
    sa.Column('note', sa.String(), nullable=False),
    sa.Column('seen_on', sa.Date(), nullable=True),
    sa.Column('added_by', sa.String(length=26), nullable=False),
    sa.Column('added_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['added_by'], ['officers.id'], name=op.f('fk_attribution_sources_added_by_officers')),
    sa.ForeignKeyConstraint(['attribution_id'], ['attributions.id'], name=op.f('fk_attribution_sources_attribution_id_attributions')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_attribution_sources'))
    )
    with op.batch_alter_table('attribution_sources', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_attribution_sources_attribution_id'), ['attribution_id'], unique=False)

    op.create_table('classifier_models',
    sa.Column('name', sa.String(length=59), nullable=False),
    sa.Column('version', sa.String(length=59), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('location', sa.String(), nullable=False),
    sa.Column('registered_by', sa.String(length=26), nullable=False),
    sa.Column('registered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state', sa.Enum('candidate', 'proposed', 'active', 'retired', name='modelstate', native_enum=False, length=32), nullable=False),
    sa.Column('comparison_id', sa.String(length=26), nullable=True),
    sa.Column('proposed_by', sa.String(length=26), nullable=True),
    sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('approved_by', sa.String(length=26), nullable=True),
    sa.Column('approved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('rolled_back_by', sa.String(length=26), nullable=True),
    sa.Column('rolled_back_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('rollback_reason', sa.String(), nullable=False),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.CheckConstraint("state <> 'active' OR approved_by IS NOT NULL", name='active_is_approved'),
    sa.CheckConstraint('approved_by IS NULL OR approved_by <> proposed_by', name='approved_by_another'),
    sa.ForeignKeyConstraint(['approved_by'], ['officers.id'], name=op.f('fk_classifier_models_approved_by_officers')),
    sa.ForeignKeyConstraint(['comparison_id'], ['model_comparisons.id'], name=op.f('fk_classifier_models_comparison_id_model_comparisons')),
    sa.ForeignKeyConstraint(['proposed_by'], ['officers.id'], name=op.f('fk_classifier_models_proposed_by_officers')),
    sa.ForeignKeyConstraint(['registered_by'], ['officers.id'], name=op.f('fk_classifier_models_registered_by_officers')),
    sa.ForeignKeyConstraint(['rolled_back_by'], ['officers.id'], name=op.f('fk_classifier_models_rolled_back_by_officers')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_classifier_models')),
    sa.UniqueConstraint('name', 'version', name=op.f('uq_classifier_models_name_version')),
    sa.UniqueConstraint('sha256', name=op.f('uq_classifier_models_sha256'))
    )
    with op.batch_alter_table('classifier_models', schema=None) as batch_op:
        batch_op.create_index('uq_classifier_models_active', ['state'], unique=True, sqlite_where=sa.text("state = 'active'"), postgresql_where=sa.text("state = 'active'"))

    op.create_table('cluster_posts',
    sa.Column('post_id', sa.String(length=26), nullable=False),
    sa.Column('mandate_id', sa.String(length=26), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('text_key', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('assessed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['mandate_id'], ['mandates.id'], name=op.f('fk_cluster_posts_mandate_id_mandates')),
    sa.ForeignKeyConstraint(['post_id'], ['posts.id'], name=op.f('fk_cluster_posts_post_id_posts')),
    sa.PrimaryKeyConstraint('post_id', 'mandate_id', name=op.f('pk_cluster_posts'))
    )
    with op.batch_alter_table('cluster_posts', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_cluster_posts_assessed_at'), ['assessed_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_cluster_posts_text_key'), ['text_key'], unique=False)

    op.create_table('cluster_texts',
    sa.Column('key', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('mandate_id', sa.String(length=26), nullable=False),
    sa.Column('bands', sa.LargeBinary(), nullable=False),
    sa.Column('cluster_id', sa.String(length=26), nullable=False),
    sa.Column('placed', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['mandate_id'], ['mandates.id'], name=op.f('fk_cluster_texts_mandate_id_mandates')),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_cluster_texts'))
    )
    with op.batch_alter_table('cluster_texts', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_cluster_texts_cluster_id'), ['cluster_id'], unique=False)
        batch_op.create_index('ix_cluster_texts_unplaced', ['key'], unique=False, sqlite_where=sa.text('placed = 0'), postgresql_where=sa.text('NOT placed'))

    op.create_table('clusters',
    sa.Column('mandate_id', sa.String(length=26), nullable=False),
    sa.Column('posts', sa.Integer(), nullable=False),
    sa.Column('account', sa.String(length=26), nullable=False),
    sa.Column('shared', sa.Boolean(), nullable=False),
    sa.Column('last_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('texts', sa.Integer(), nullable=False),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['mandate_id'], ['mandates.id'], name=op.f('fk_clusters_mandate_id_mandates')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_clusters'))
    )
    with op.batch_alter_table('clusters', schema=None) as batch_op:
        batch_op.create_index('ix_clusters_largest', ['posts'], unique=False, sqlite_where=sa.text('shared = 1'), postgresql_where=sa.text('shared'))
        batch_op.create_index('ix_clusters_newest', ['last_at'], unique=False, sqlite_where=sa.text('shared = 1'), postgresql_where=sa.text('shared'))

    op.create_table('drift_days',
    sa.Column('mandate_id', sa.String(length=26), nullable=False),
    sa.Column('model', sa.String(length=120), nullable=False),
    sa.Column('weights_sha256', sa.String(length=64), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('tally', sa.JSON(), nullable=False),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['mandate_id'], ['mandates.id'], name=op.f('fk_drift_days_mandate_id_mandates')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_drift_days')),
    sa.UniqueConstraint('mandate_id', 'weights_sha256', 'day', name=op.f('uq_drift_days_mandate_id_weights_sha256_day'))
    )
    with op.batch_alter_table('drift_days', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_drift_days_day'), ['day'], unique=False)

    op.create_table('drift_measurements',
    sa.Column('mandate_id', sa.String(length=26), nullable=False),
    sa.Column('model', sa.String(length=120), nullable=False),
    sa.Column('weights_sha256', sa.String(length=64), nullable=False),
    sa.Column('first_day', sa.Date(), nullable=False),
    sa.Column('last_day', sa.Date(), nullable=False),
    sa.Column('measured_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('alarms', sa.JSON(), nullable=False),
    sa.Column('body', sa.JSON(), nullable=False),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['mandate_id'], ['mandates.id'], name=op.f('fk_drift_measurements_mandate_id_mandates')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_drift_measurements')),
    sa.UniqueConstraint('mandate_id', 'weights_sha256', 'last_day', name=op.f('uq_drift_measurements_mandate_id_weights_sha256_last_day'))
    )
    with op.batch_alter_table('drift_measurements', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_drift_measurements_last_day'), ['last_day'], unique=False)

    op.create_table('reports',
    sa.Column('number', sa.String(length=120), nullable=False),
    sa.Column('mandate_id', sa.String(length=26), nullable=False),
    sa.Column('drafted_by', sa.String(length=26), nullable=False),
    sa.Column('drafted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('fields', sa.JSON(), nullable=False),
    sa.Column('signed_by', sa.String(length=26), nullable=True),
    sa.Column('signed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('sealed_content', sa.LargeBinary(), nullable=True),
    sa.Column('content_sha256', sa.String(length=64), nullable=True),
    sa.Column('signature', sa.LargeBinary(), nullable=True),
    sa.Column('state', sa.Enum('draft', 'signed', 'handed_over', 'closed', 'withdrawn', name='reportstate', native_enum=False, length=32), nullable=False),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['drafted_by'], ['officers.id'], name=op.f('fk_reports_drafted_by_officers')),
    sa.ForeignKeyConstraint(['mandate_id'], ['mandates.id'], name=op.f('fk_reports_mandate_id_mandates')),
    sa.ForeignKeyConstraint(['signed_by'], ['officers.id'], name=op.f('fk_reports_signed_by_officers')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reports')),
    sa.UniqueConstraint('number', name=op.f('uq_reports_number'))
    )
    with op.batch_alter_table('reports', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_reports_mandate_id'), ['mandate_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_reports_state'), ['state'], unique=False)

    op.create_table('roster_entries',
    sa.Column('mandate_id', sa.String(length=26), nullable=False),
    sa.Column('civil_servant_id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['civil_servant_id'], ['civil_servants.id'], name=op.f('fk_roster_entries_civil_servant_id_civil_servants')),
    sa.ForeignKeyConstraint(['mandate_id'], ['mandates.id'], name=op.f('fk_roster_entries_mandate_id_mandates')),
    sa.PrimaryKeyConstraint('mandate_id', 'civil_servant_id', name=op.f('pk_roster_entries'))
    )
    with op.batch_alter_table('roster_entries', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_roster_entries_civil_servant_id'), ['civil_servant_id'], unique=False)

    op.create_table('roster_uploads',
    sa.Column('officer_id', sa.String(length=26), nullable=False),
    sa.Column('mandate_id', sa.String(length=26), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('uploaded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['mandate_id'], ['mandates.id'], name=op.f('fk_roster_uploads_mandate_id_mandates')),
    sa.ForeignKeyConstraint(['officer_id'], ['officers.id'], name=op.f('fk_roster_uploads_officer_id_officers')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_roster_uploads'))
    )
    with op.batch_alter_table('roster_uploads', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_roster_uploads_officer_id'), ['officer_id'], unique=False)

    op.create_table('sample_draws',
    sa.Column('mandate_id', sa.String(length=26), nullable=False),
    sa.Column('drawn_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seed', sa.String(length=32), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('population', sa.Integer(), nullable=False),
    sa.Column('earliest', sa.DateTime(timezone=True), nullable=False),
    sa.Column('frame_sha256', sa.String(length=64), nullable=False),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['mandate_id'], ['mandates.id'], name=op.f('fk_sample_draws_mandate_id_mandates')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sample_draws'))
    )
    with op.batch_alter_table('sample_draws', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_sample_draws_mandate_id'), ['mandate_id'], unique=False)

    op.create_table('sightings',
    sa.Column('post_id', sa.String(length=26), nullable=False),
    sa.Column('mandate_id', sa.String(length=26), nullable=False),
    sa.Column('state', sa.Enum('new', 'assessed', name='sightingstate', native_enum=False, length=32), nullable=False),
    sa.ForeignKeyConstraint(['mandate_id'], ['mandates.id'], name=op.f('fk_sightings_mandate_id_mandates')),
    sa.ForeignKeyConstraint(['post_id'], ['posts.id'], name=op.f('fk_sightings_post_id_posts')),
    sa.PrimaryKeyConstraint('post_id', 'mandate_id', name=op.f('pk_sightings')),
    sqlite_with_rowid=False
    )
    with op.batch_alter_table('sightings', schema=None) as batch_op:
        batch_op.create_index('ix_sightings_new', ['post_id'], unique=False, sqlite_where=sa.text("state = 'new'"), postgresql_where=sa.text("state = 'new'"))

    op.create_table('suspensions',
    sa.Column('attribution_id', sa.String(length=26), nullable=False),
    sa.Column('cause', sa.Enum('disavowed', 'holder_changed', 'doubted', name='suspensioncause', native_enum=False, length=32), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('recorded_by', sa.String(length=26), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('channel', sa.String(length=32), nullable=True),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('sealed', sa.LargeBinary(), nullable=True),
    sa.Column('salt', sa.LargeBinary(length=16), nullable=False),
    sa.Column('resolved_by', sa.String(length=26), nullable=True),
    sa.Column('resolved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('outcome', sa.Enum('reinstated', 'rejected', name='suspensionoutcome', native_enum=False, length=32), nullable=True),
    sa.Column('resolution', sa.String(), nullable=False),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['attribution_id'], ['attributions.id'], name=op.f('fk_suspensions_attribution_id_attributions')),
    sa.ForeignKeyConstraint(['recorded_by'], ['officers.id'], name=op.f('fk_suspensions_recorded_by_officers')),
    sa.ForeignKeyConstraint(['resolved_by'], ['officers.id'], name=op.f('fk_suspensions_resolved_by_officers')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_suspensions'))
    )
    with op.batch_alter_table('suspensions', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_suspensions_attribution_id'), ['attribution_id'], unique=False)

    op.create_table('targets',
    sa.Column('mandate_id', sa.String(length=26), nullable=False),
    sa.Column('account_id', sa.String(length=26), nullable=True),
    sa.Column('source', sa.String(length=32), nullable=False),
    sa.Column('address', sa.String(length=2000), nullable=False),
    sa.Column('host', sa.String(length=253), nullable=False),
    sa.Column('interval_seconds', sa.Integer(), nullable=True),
    sa.Column('next_due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('cron', sa.String(length=120), nullable=True),
    sa.Column('paused', sa.Boolean(), nullable=False),
    sa.Column('looked_back_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('watermark', sa.JSON(), nullable=False),
    sa.Column('validators', sa.JSON(), nullable=False),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['accounts.id'], name=op.f('fk_targets_account_id_accounts')),
    sa.ForeignKeyConstraint(['mandate_id'], ['mandates.id'], name=op.f('fk_targets_mandate_id_mandates')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_targets')),
    sa.UniqueConstraint('mandate_id', 'source', 'address', name=op.f('uq_targets_mandate_id_source_address'))
    )
    with op.batch_alter_table('targets', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_targets_account_id'), ['account_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_targets_host'), ['host'], unique=False)
        batch_op.create_index(batch_op.f('ix_targets_mandate_id'), ['mandate_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_targets_next_due_at'), ['next_due_at'], unique=False)
        batch_op.create_index('ix_targets_paused', ['id'], unique=False, sqlite_where=sa.text('paused = 1'), postgresql_where=sa.text('paused'))

    op.create_table('follow_ups',
    sa.Column('report_id', sa.String(length=26), nullable=False),
    sa.Column('step', sa.String(length=64), nullable=False),
    sa.Column('institution', sa.String(), nullable=False),
    sa.Column('on_day', sa.Date(), nullable=False),
    sa.Column('document', sa.String(), nullable=False),
    sa.Column('note', sa.String(), nullable=False),
    sa.Column('entered_by', sa.String(length=26), nullable=False),
    sa.Column('entered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['entered_by'], ['officers.id'], name=op.f('fk_follow_ups_entered_by_officers')),
    sa.ForeignKeyConstraint(['report_id'], ['reports.id'], name=op.f('fk_follow_ups_report_id_reports')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_follow_ups'))
    )
    with op.batch_alter_table('follow_ups', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_follow_ups_report_id'), ['report_id'], unique=False)

    op.create_table('runs',
    sa.Column('target_id', sa.String(length=26), nullable=False),
    sa.Column('host', sa.String(length=253), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('worker', sa.String(length=26), nullable=True),
    sa.Column('held_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('looks_back_to', sa.DateTime(timezone=True), nullable=True),
    sa.Column('late_reason', sa.String(), nullable=False),
    sa.Column('times', sa.Integer(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('outcome', sa.Enum('queued', 'running', 'done', 'unchanged', 'refused', 'failed', 'gone', 'blocked', 'missed', 'interrupted', name='runoutcome', native_enum=False, length=32), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('fetches', sa.Integer(), nullable=False),
    sa.Column('posts_seen', sa.Integer(), nullable=False),
    sa.Column('posts_new', sa.Integer(), nullable=False),
    sa.Column('posts_edited', sa.Integer(), nullable=False),
    sa.Column('unparsed', sa.Integer(), nullable=False),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['target_id'], ['targets.id'], name=op.f('fk_runs_target_id_targets')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_runs')),
    sa.UniqueConstraint('target_id', 'due_at', name=op.f('uq_runs_target_id_due_at'))
    )
    with op.batch_alter_table('runs', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_runs_due_at'), ['due_at'], unique=False)
        batch_op.create_index('ix_runs_outcome', ['outcome', 'ended_at'], unique=False)
        batch_op.create_index('ix_runs_queued', ['host', 'due_at'], unique=False, sqlite_where=sa.text("outcome = 'queued'"), postgresql_where=sa.text("outcome = 'queued'"))

    op.create_table('target_states',
    sa.Column('target_id', sa.String(length=26), nullable=False),
    sa.Column('source', sa.String(length=32), nullable=False),
    sa.Column('host', sa.String(length=253), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('outcome', sa.String(length=32), nullable=False),
    sa.Column('late', sa.Boolean(), nullable=False),
    sa.Column('troubled', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['target_id'], ['targets.id'], name=op.f('fk_target_states_target_id_targets')),
    sa.PrimaryKeyConstraint('target_id', name=op.f('pk_target_states'))
    )
    with op.batch_alter_table('target_states', schema=None) as batch_op:
        batch_op.create_index('ix_target_states_host', ['host', 'target_id'], unique=False)
        batch_op.create_index('ix_target_states_late', ['late', 'target_id'], unique=False)
        batch_op.create_index('ix_target_states_outcome', ['outcome', 'target_id'], unique=False)
        batch_op.create_index('ix_target_states_source', ['source', 'outcome', 'target_id'], unique=False)
        batch_op.create_index('ix_target_states_troubled', ['troubled', 'target_id'], unique=False)

    op.create_table('fetches',
    sa.Column('run_id', sa.String(length=26), nullable=False),
    sa.Column('url', sa.String(), nullable=False),
    sa.Column('status', sa.Integer(), nullable=False),
    sa.Column('headers', sa.JSON(), nullable=False),
    sa.Column('fetched_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('body_sha256', sa.LargeBinary(length=32), nullable=False),
    sa.Column('media_type', sa.String(length=120), nullable=False),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('unparsed', sa.Integer(), nullable=False),
    sa.Column('problems', sa.JSON(), nullable=False),
    sa.Column('body_erased_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['run_id'], ['runs.id'], name=op.f('fk_fetches_run_id_runs')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_fetches'))
    )
    with op.batch_alter_table('fetches', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_fetches_body_sha256'), ['body_sha256'], unique=False)
        batch_op.create_index('ix_fetches_kept_body', ['body_sha256'], unique=False, sqlite_where=sa.text('body_erased_at IS NULL'), postgresql_where=sa.text('body_erased_at IS NULL'))
        batch_op.create_index(batch_op.f('ix_fetches_run_id'), ['run_id'], unique=False)
        batch_op.create_index('ix_fetches_unparsed', ['fetched_at'], unique=False, sqlite_where=sa.text('unparsed > 0'), postgresql_where=sa.text('unparsed > 0'))

    op.create_table('observations',
    sa.Column('post_id', sa.String(length=26), nullable=False),
    sa.Column('run_id', sa.String(length=26), nullable=False),
    sa.Column('fetch_id', sa.String(length=26), nullable=True),
    sa.Column('sight', sa.Enum('seen_again', 'deleted', 'blocked', 'account_gone', 'failed', name='sight', native_enum=False, length=32), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['fetch_id'], ['fetches.id'], name=op.f('fk_observations_fetch_id_fetches')),
    sa.ForeignKeyConstraint(['post_id'], ['posts.id'], name=op.f('fk_observations_post_id_posts')),
    sa.ForeignKeyConstraint(['run_id'], ['runs.id'], name=op.f('fk_observations_run_id_runs')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_observations'))
    )
    with op.batch_alter_table('observations', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_observations_at'), ['at'], unique=False)
        batch_op.create_index(batch_op.f('ix_observations_post_id'), ['post_id'], unique=False)

    op.create_table('post_versions',
    sa.Column('post_id', sa.String(length=26), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('text', sa.String(), nullable=False),
    sa.Column('text_sha256', sa.LargeBinary(length=32), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('edited_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('fetch_id', sa.String(length=26), nullable=False),
    sa.Column('locator', sa.String(), nullable=False),
    sa.Column('attachments', sa.JSON(), nullable=False),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['fetch_id'], ['fetches.id'], name=op.f('fk_post_versions_fetch_id_fetches')),
    sa.ForeignKeyConstraint(['post_id'], ['posts.id'], name=op.f('fk_post_versions_post_id_posts')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_post_versions')),
    sa.UniqueConstraint('post_id', 'number', name=op.f('uq_post_versions_post_id_number'))
    )
    with op.batch_alter_table('post_versions', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_post_versions_fetch_id'), ['fetch_id'], unique=False)

    op.create_table('assessments',
    sa.Column('post_version_id', sa.String(length=26), nullable=False),
    sa.Column('mandate_id', sa.String(length=26), nullable=False),
    sa.Column('model', sa.String(length=120), nullable=False),
    sa.Column('weights_sha256', sa.String(length=64), nullable=False),
    sa.Column('threshold', sa.Double(), nullable=False),
    sa.Column('score', sa.Double(), nullable=False),
    sa.Column('flagged', sa.Boolean(), nullable=False),
    sa.Column('act', sa.Enum('support', 'attack', 'mobilise', 'none', name='act', native_enum=False, length=32), nullable=False),
    sa.Column('voice', sa.Enum('own', 'quote', 'news', 'official', 'unclear', name='voice', native_enum=False, length=32), nullable=False),
    sa.Column('masked', sa.String(), nullable=False),
    sa.Column('assessed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('targets', sa.JSON(), nullable=False),
    sa.Column('spans', sa.JSON(), nullable=False),
    sa.Column('unsure', sa.Boolean(), nullable=False),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['mandate_id'], ['mandates.id'], name=op.f('fk_assessments_mandate_id_mandates')),
    sa.ForeignKeyConstraint(['post_version_id'], ['post_versions.id'], name=op.f('fk_assessments_post_version_id_post_versions')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_assessments')),
    sa.UniqueConstraint('post_version_id', 'mandate_id', 'model', name=op.f('uq_assessments_post_version_id_mandate_id_model'))
    )
    with op.batch_alter_table('assessments', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_assessments_assessed_at'), ['assessed_at'], unique=False)

    op.create_table('samples',
    sa.Column('draw_id', sa.String(length=26), nullable=False),
    sa.Column('mandate_id', sa.String(length=26), nullable=False),
    sa.Column('post_id', sa.String(length=26), nullable=True),
    sa.Column('post_version_id', sa.String(length=26), nullable=True),
    sa.Column('masked', sa.String(), nullable=True),
    sa.Column('model', sa.String(length=120), nullable=False),
    sa.Column('score', sa.Double(), nullable=False),
    sa.Column('threshold', sa.Double(), nullable=False),
    sa.Column('assessed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('probability', sa.Double(), nullable=False),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['draw_id'], ['sample_draws.id'], name=op.f('fk_samples_draw_id_sample_draws')),
    sa.ForeignKeyConstraint(['mandate_id'], ['mandates.id'], name=op.f('fk_samples_mandate_id_mandates')),
    sa.ForeignKeyConstraint(['post_id'], ['posts.id'], name=op.f('fk_samples_post_id_posts')),
    sa.ForeignKeyConstraint(['post_version_id'], ['post_versions.id'], name=op.f('fk_samples_post_version_id_post_versions')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_samples')),
    sa.UniqueConstraint('post_version_id', 'mandate_id', name=op.f('uq_samples_post_version_id_mandate_id'))
    )
    with op.batch_alter_table('samples', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_samples_draw_id'), ['draw_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_samples_mandate_id'), ['mandate_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_samples_post_id'), ['post_id'], unique=False)

    op.create_table('flags',
    sa.Column('post_id', sa.String(length=26), nullable=False),
    sa.Column('post_version_id', sa.String(length=26), nullable=False),
    sa.Column('assessment_id', sa.String(length=26), nullable=False),
    sa.Column('mandate_id', sa.String(length=26), nullable=False),
    sa.Column('raised_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('first_viewed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('capture_attempts', sa.Integer(), nullable=False),
    sa.Column('capture_after', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('pending', 'ready', 'in_review', 'confirmed', 'dismissed', 'disputed', 'expired', name='flagstate', native_enum=False, length=32), nullable=False),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['assessment_id'], ['assessments.id'], name=op.f('fk_flags_assessment_id_assessments')),
    sa.ForeignKeyConstraint(['mandate_id'], ['mandates.id'], name=op.f('fk_flags_mandate_id_mandates')),
    sa.ForeignKeyConstraint(['post_id'], ['posts.id'], name=op.f('fk_flags_post_id_posts')),
    sa.ForeignKeyConstraint(['post_version_id'], ['post_versions.id'], name=op.f('fk_flags_post_version_id_post_versions')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_flags')),
    sa.UniqueConstraint('assessment_id', name=op.f('uq_flags_assessment_id')),
    sa.UniqueConstraint('post_version_id', 'mandate_id', name=op.f('uq_flags_post_version_id_mandate_id'))
    )
    with op.batch_alter_table('flags', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_flags_mandate_id'), ['mandate_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_flags_post_id'), ['post_id'], unique=False)
        batch_op.create_index('ix_flags_state_raised_at', ['state', 'raised_at'], unique=False)

    op.create_table('sample_labels',
    sa.Column('sample_id', sa.String(length=26), nullable=False),
    sa.Column('reader_id', sa.String(length=26), nullable=False),
    sa.Column('act', sa.Enum('support', 'attack', 'mobilise', 'none', 'unsure', name='sampleact', native_enum=False, length=32), nullable=False),
    sa.Column('voice', sa.Enum('own', 'quote', 'news', 'official', 'unclear', name='voice', native_enum=False, length=32), nullable=False),
    sa.Column('given_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('undone_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['reader_id'], ['officers.id'], name=op.f('fk_sample_labels_reader_id_officers')),
    sa.ForeignKeyConstraint(['sample_id'], ['samples.id'], name=op.f('fk_sample_labels_sample_id_samples')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sample_labels'))
    )
    with op.batch_alter_table('sample_labels', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_sample_labels_reader_id'), ['reader_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_sample_labels_sample_id'), ['sample_id'], unique=False)
        batch_op.create_index('uq_sample_labels_standing', ['sample_id', 'reader_id'], unique=True, sqlite_where=sa.text('undone_at IS NULL'), postgresql_where=sa.text('undone_at IS NULL'))

    op.create_table('captures',
    sa.Column('flag_id', sa.String(length=26), nullable=False),
    sa.Column('quality', sa.Enum('page', 'rendering', 'hand', 'broken', name='capturequality', native_enum=False, length=32), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('url', sa.String(), nullable=True),
    sa.Column('final_url', sa.String(), nullable=True),
    sa.Column('captured_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('screenshot_sha256', sa.String(length=64), nullable=True),
    sa.Column('page_sha256', sa.String(length=64), nullable=True),
    sa.Column('text_found', sa.Boolean(), nullable=False),
    sa.Column('details', sa.JSON(), nullable=False),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['flag_id'], ['flags.id'], name=op.f('fk_captures_flag_id_flags')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_captures'))
    )
    with op.batch_alter_table('captures', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_captures_flag_id'), ['flag_id'], unique=False)

    op.create_table('leases',
    sa.Column('flag_id', sa.String(length=26), nullable=False),
    sa.Column('officer_id', sa.String(length=26), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['flag_id'], ['flags.id'], name=op.f('fk_leases_flag_id_flags')),
    sa.ForeignKeyConstraint(['officer_id'], ['officers.id'], name=op.f('fk_leases_officer_id_officers')),
    sa.PrimaryKeyConstraint('flag_id', 'officer_id', name=op.f('pk_leases'))
    )
    op.create_table('report_flags',
    sa.Column('report_id', sa.String(length=26), nullable=False),
    sa.Column('flag_id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['flag_id'], ['flags.id'], name=op.f('fk_report_flags_flag_id_flags')),
    sa.ForeignKeyConstraint(['report_id'], ['reports.id'], name=op.f('fk_report_flags_report_id_reports')),
    sa.PrimaryKeyConstraint('report_id', 'flag_id', name=op.f('pk_report_flags'))
    )
    with op.batch_alter_table('report_flags', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_report_flags_flag_id'), ['flag_id'], unique=False)

    op.create_table('reviews',
    sa.Column('flag_id', sa.String(length=26), nullable=False),
    sa.Column('reviewer_id', sa.String(length=26), nullable=False),
    sa.Column('round', sa.Enum('independent', 'adjudication', name='reviewround', native_enum=False, length=32), nullable=False),
    sa.Column('decision', sa.Enum('confirm', 'dismiss', 'recused', name='decision', native_enum=False, length=32), nullable=False),
    sa.Column('is_person', sa.Enum('yes', 'no', 'unsure', name='answer', native_enum=False, length=32), nullable=False),
    sa.Column('takes_side', sa.Enum('yes', 'no', 'unsure', name='answer', native_enum=False, length=32), nullable=False),
    sa.Column('voice', sa.String(), nullable=False),
    sa.Column('acts', sa.JSON(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('exculpatory', sa.String(), nullable=False),
    sa.Column('coercion', sa.Boolean(), nullable=False),
    sa.Column('given_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('undone_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.String(length=26), nullable=False),
    sa.ForeignKeyConstraint(['flag_id'], ['flags.id'], name=op.f('fk_reviews_flag_id_flags')),
    sa.ForeignKeyConstraint(['reviewer_id'], ['officers.id'], name=op.f('fk_reviews_reviewer_id_officers')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reviews'))
    )
    with op.batch_alter_table('reviews', schema=None) as batch_op:
        batch_op.create_index('ix_reviews_flag_id_reviewer_id', ['flag_id', 'reviewer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_reviews_reviewer_id'), ['reviewer_id'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('reviews', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_reviews_reviewer_id'))
        batch_op.drop_index('ix_reviews_flag_id_reviewer_id')

    op.drop_table('reviews')
    with op.batch_alter_table('report_flags', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_report_flags_flag_id'))

    op.drop_table('report_flags')
    op.drop_table('leases')
    with op.batch_alter_table('captures', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_captures_flag_id'))

    op.drop_table('captures')
    with op.batch_alter_table('sample_labels', schema=None) as batch_op:
        batch_op.drop_index('uq_sample_labels_standing', sqlite_where=sa.text('undone_at IS NULL'), postgresql_where=sa.text('undone_at IS NULL'))
        batch_op.drop_index(batch_op.f('ix_sample_labels_sample_id'))
        batch_op.drop_index(batch_op.f('ix_sample_labels_reader_id'))

    op.drop_table('sample_labels')
    with op.batch_alter_table('flags', schema=None) as batch_op:
        batch_op.drop_index('ix_flags_state_raised_at')
        batch_op.drop_index(batch_op.f('ix_flags_post_id'))
        batch_op.drop_index(batch_op.f('ix_flags_mandate_id'))

    op.drop_table('flags')
    with op.batch_alter_table('samples', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_samples_post_id'))
        batch_op.drop_index(batch_op.f('ix_samples_mandate_id'))
        batch_op.drop_index(batch_op.f('ix_samples_draw_id'))

    op.drop_table('samples')
    with op.batch_alter_table('assessments', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_assessments_assessed_at'))

    op.drop_table('assessments')
    with op.batch_alter_table('post_versions', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_post_versions_fetch_id'))

    op.drop_table('post_versions')
    with op.batch_alter_table('observations', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_observations_post_id'))
        batch_op.drop_index(batch_op.f('ix_observations_at'))

    op.drop_table('observations')
    with op.batch_alter_table('fetches', schema=None) as batch_op:
        batch_op.drop_index('ix_fetches_unparsed', sqlite_where=sa.text('unparsed > 0'), postgresql_where=sa.text('unparsed > 0'))
        batch_op.drop_index(batch_op.f('ix_fetches_run_id'))
        batch_op.drop_index('ix_fetches_kept_body', sqlite_where=sa.text('body_erased_at IS NULL'), postgresql_where=sa.text('body_erased_at IS NULL'))
        batch_op.drop_index(batch_op.f('ix_fetches_body_sha256'))

    op.drop_table('fetches')
    with op.batch_alter_table('target_states', schema=None) as batch_op:
        batch_op.drop_index('ix_target_states_troubled')
        batch_op.drop_index('ix_target_states_source')
        batch_op.drop_index('ix_target_states_outcome')
        batch_op.drop_index('ix_target_states_late')
        batch_op.drop_index('ix_target_states_host')

    op.drop_table('target_states')
    with op.batch_alter_table('runs', schema=None) as batch_op:
        batch_op.drop_index('ix_runs_queued', sqlite_where=sa.text("outcome = 'queued'"), postgresql_where=sa.text("outcome = 'queued'"))
        batch_op.drop_index('ix_runs_outcome')
        batch_op.drop_index(batch_op.f('ix_runs_due_at'))

    op.drop_table('runs')
    with op.batch_alter_table('follow_ups', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_follow_ups_report_id'))

    op.drop_table('follow_ups')
    with op.batch_alter_table('targets', schema=None) as batch_op:
        batch_op.drop_index('ix_targets_paused', sqlite_where=sa.text('paused = 1'), postgresql_where=sa.text('paused'))
        batch_op.drop_index(batch_op.f('ix_targets_next_due_at'))
        batch_op.drop_index(batch_op.f('ix_targets_mandate_id'))
        batch_op.drop_index(batch_op.f('ix_targets_host'))
        batch_op.drop_index(batch_op.f('ix_targets_account_id'))

    op.drop_table('targets')
    with op.batch_alter_table('suspensions', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_suspensions_attribution_id'))

    op.drop_table('suspensions')
    with op.batch_alter_table('sightings', schema=None) as batch_op:
        batch_op.drop_index('ix_sightings_new', sqlite_where=sa.text("state = 'new'"), postgresql_where=sa.text("state = 'new'"))

    op.drop_table('sightings')
    with op.batch_alter_table('sample_draws', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_sample_draws_mandate_id'))

    op.drop_table('sample_draws')
    with op.batch_alter_table('roster_uploads', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_roster_uploads_officer_id'))

    op.drop_table('roster_uploads')
    with op.batch_alter_table('roster_entries', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_roster_entries_civil_servant_id'))

    op.drop_table('roster_entries')
    with op.batch_alter_table('reports', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_reports_state'))
        batch_op.drop_index(batch_op.f('ix_reports_mandate_id'))

    op.drop_table('reports')
    with op.batch_alter_table('drift_measurements', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_drift_measurements_last_day'))

    op.drop_table('drift_measurements')
    with op.batch_alter_table('drift_days', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_drift_days_day'))

    op.drop_table('drift_days')
    with op.batch_alter_table('clusters', schema=None) as batch_op:
        batch_op.drop_index('ix_clusters_newest', sqlite_where=sa.text('shared = 1'), postgresql_where=sa.text('shared'))
        batch_op.drop_index('ix_clusters_largest', sqlite_where=sa.text('shared = 1'), postgresql_where=sa.text('shared'))

    op.drop_table('clusters')
    with op.batch_alter_table('cluster_texts', schema=None) as batch_op:
        batch_op.drop_index('ix_cluster_texts_unplaced', sqlite_where=sa.text('placed = 0'), postgresql_where=sa.text('NOT placed'))
        batch_op.drop_index(batch_op.f('ix_cluster_texts_cluster_id'))

    op.drop_table('cluster_texts')
    with op.batch_alter_table('cluster_posts', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_cluster_posts_text_key'))
        batch_op.drop_index(batch_op.f('ix_cluster_posts_assessed_at'))

    op.drop_table('cluster_posts')
    with op.batch_alter_table('classifier_models', schema=None) as batch_op:
        batch_op.drop_index('uq_classifier_models_active', sqlite_where=sa.text("state = 'active'"), postgresql_where=sa.text("state = 'active'"))

    op.drop_table('classifier_models')
    with op.batch_alter_table('attribution_sources', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_attribution_sources_attribution_id'))

    op.drop_table('attribution_sources')
    with op.batch_alter_table('posts', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_posts_first_seen_at'))
        batch_op.drop_index(batch_op.f('ix_posts_account_id'))

    op.drop_table('posts')
    with op.batch_alter_table('model_comparisons', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_model_comparisons_challenger_sha256'))

    op.drop_table('model_comparisons')
    with op.batch_alter_table('mandates', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_mandates_state'))
        batch_op.drop_index(batch_op.f('ix_mandates_contest_id'))

    op.drop_table('mandates')
    with op.batch_alter_table('login_sessions', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_login_sessions_officer_id'))
        batch_op.drop_index(batch_op.f('ix_login_sessions_expires_at'))

    op.drop_table('login_sessions')
    op.drop_table('log_words')
    with op.batch_alter_table('attributions', schema=None) as batch_op:
        batch_op.drop_index('uq_attributions_live', sqlite_where=sa.text("state IN ('claimed', 'verified', 'suspended')"), postgresql_where=sa.text("state IN ('claimed', 'verified', 'suspended')"))
        batch_op.drop_index(batch_op.f('ix_attributions_state'))
        batch_op.drop_index(batch_op.f('ix_attributions_civil_servant_id'))
        batch_op.drop_index(batch_op.f('ix_attributions_account_id'))

    op.drop_table('attributions')
    with op.batch_alter_table('account_handles', schema=None) as batch_op:
        batch_op.drop_index('ix_account_handles_account_id_first_seen_at')

    op.drop_table('account_handles')
    op.drop_table('tombstones')
    op.drop_table('storage_days')
    op.drop_table('run_hours')
    op.drop_table('officers')
    with op.batch_alter_table('log_entries', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_log_entries_subject'))
        batch_op.drop_index(batch_op.f('ix_log_entries_action'))

    op.drop_table('log_entries')
    op.drop_table('installation')
    with op.batch_alter_table('hosts', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_hosts_holder'))

    op.drop_table('hosts')
    op.drop_table('counted')
    op.drop_table('contests')
    op.drop_table('cluster_bands')
    with op.batch_alter_table('civil_servants', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_civil_servants_name_index'))

    op.drop_table('civil_servants')
    op.drop_table('checkpoints')
    op.drop_table('bodies')
    op.drop_table('accounts')
