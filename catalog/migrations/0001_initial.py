import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
import django.db.models.lookups
import uuid
from django.conf import settings
from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        TrigramExtension(),
        migrations.RunSQL(
            "CREATE SEQUENCE catalog_model_number; CREATE SEQUENCE catalog_variant_number;"
            " CREATE SEQUENCE catalog_file_number;",
            "DROP SEQUENCE catalog_model_number; DROP SEQUENCE catalog_variant_number;"
            " DROP SEQUENCE catalog_file_number;",
        ),
        migrations.CreateModel(
            name='SetupToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.BinaryField(max_length=32, unique=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name='Variant',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('number', models.BigIntegerField(db_default=models.Func(models.Value('catalog_variant_number'), function='nextval', output_field=models.BigIntegerField()), editable=False, unique=True)),
                ('content', models.BinaryField(max_length=32, null=True, unique=True)),
                ('format', models.CharField(max_length=32)),
                ('precision', models.CharField(max_length=32)),
                ('bits', models.SmallIntegerField(default=0)),
                ('quantisation', models.CharField(blank=True, default='', max_length=48)),
                ('kind', models.CharField(default='unknown', max_length=32)),
                ('base', models.CharField(default='unknown', max_length=32)),
                ('parameters', models.BigIntegerField(default=0)),
                ('size', models.BigIntegerField(default=0)),
                ('outcome', models.CharField(default='pending', max_length=16)),
                ('settings', models.JSONField(default=dict)),
                ('reasons', models.JSONField(default=list)),
                ('born_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('hashed_at', models.DateTimeField(editable=False, null=True)),
                ('merged_into', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='aliases', to='catalog.variant')),
            ],
        ),
        migrations.CreateModel(
            name='ApiToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('digest', models.BinaryField(max_length=32, unique=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('last_used_at', models.DateTimeField(editable=False, null=True)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='api_tokens', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'API token',
            },
        ),
        migrations.CreateModel(
            name='Library',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.TextField()),
                ('path', models.BinaryField()),
                ('path_key', models.BinaryField(max_length=32)),
                ('path_text', models.TextField(editable=False, verbose_name='folder')),
                ('only', models.BinaryField(null=True)),
                ('queue', models.CharField(default='local', editable=False, max_length=64)),
                ('layout', models.CharField(blank=True, default='', editable=False, max_length=32)),
                ('managed', models.BooleanField(default=False, editable=False)),
                ('read_only', models.BooleanField(default=True)),
                ('include', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), blank=True, default=list, size=None)),
                ('exclude', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), blank=True, default=list, size=None)),
                ('paused', models.BooleanField(default=False, verbose_name='hashing paused')),
                ('speed_limit', models.IntegerField(blank=True, null=True, verbose_name='speed limit, MB/s')),
                ('quiet_from', models.TimeField(blank=True, null=True, verbose_name='no hashing from')),
                ('quiet_until', models.TimeField(blank=True, null=True, verbose_name='no hashing until')),
                ('online', models.BooleanField(default=True, editable=False)),
                ('removed_at', models.DateTimeField(editable=False, null=True)),
                ('last_scan_at', models.DateTimeField(editable=False, null=True, verbose_name='last scan')),
                ('last_report', models.JSONField(default=dict, editable=False)),
                ('totals_stale', models.BooleanField(default=True, editable=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
            ],
            options={
                'verbose_name': 'library folder',
                'verbose_name_plural': 'library folders',
                'constraints': [models.UniqueConstraint(fields=('queue', 'path_key'), name='library_once_per_host_and_path')],
            },
        ),
        migrations.CreateModel(
            name='ModelRecord',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('number', models.BigIntegerField(db_default=models.Func(models.Value('catalog_model_number'), function='nextval', output_field=models.BigIntegerField()), editable=False, unique=True)),
                ('name', models.TextField()),
                ('name_source', models.CharField(default='file', editable=False, max_length=16)),
                ('version_name', models.TextField(blank=True, default='')),
                ('kind', models.CharField(default='unknown', max_length=32)),
                ('base', models.CharField(default='unknown', max_length=32, verbose_name='base model')),
                ('licence', models.TextField(blank=True, default='')),
                ('source', models.TextField(blank=True, default='')),
                ('tags', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), blank=True, default=list, size=None)),
                ('notes', models.TextField(blank=True, default='')),
                ('edited', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=32), blank=True, default=list, editable=False, size=None)),
                ('touched', models.BooleanField(default=False, editable=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('merged_into', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='aliases', to='catalog.modelrecord')),
            ],
            options={
                'verbose_name': 'model',
                'verbose_name_plural': 'models',
            },
        ),
        migrations.CreateModel(
            name='Decision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=16)),
                ('rule', models.CharField(blank=True, default='', max_length=48)),
                ('reason', models.TextField(blank=True, default='')),
                ('before', models.JSONField(default=dict)),
                ('basis', models.CharField(blank=True, default='', max_length=16)),
                ('left', models.BinaryField(null=True)),
                ('right', models.BinaryField(null=True)),
                ('closed_at', models.DateTimeField(null=True)),
                ('decided_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('actor', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL)),
                ('undoes', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='undone_by', to='catalog.decision')),
                ('models_touched', models.ManyToManyField(related_name='decisions', to='catalog.modelrecord')),
            ],
        ),
        migrations.CreateModel(
            name='Preference',
            fields=[
                ('key', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('value', models.JSONField()),
                ('changed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='StorageTotal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('format', models.CharField(max_length=32)),
                ('precision', models.CharField(max_length=32)),
                ('bits', models.SmallIntegerField(default=0)),
                ('kind', models.CharField(max_length=32)),
                ('base', models.CharField(max_length=32)),
                ('state', models.CharField(max_length=16)),
                ('variants', models.IntegerField()),
                ('locations', models.IntegerField()),
                ('bytes', models.BigIntegerField()),
                ('library', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='totals', to='catalog.library')),
            ],
        ),
        migrations.CreateModel(
            name='TensorIndex',
            fields=[
                ('variant', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='tensor_index', serialize=False, to='catalog.variant')),
                ('packed', models.BinaryField()),
                ('tensors', models.IntegerField()),
            ],
        ),
        migrations.AddField(
            model_name='variant',
            name='model',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='variants', to='catalog.modelrecord'),
        ),
        migrations.CreateModel(
            name='Match',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('relation', models.CharField(max_length=16)),
                ('certainty', models.CharField(max_length=16)),
                ('algorithm', models.CharField(max_length=32)),
                ('evidence', models.JSONField(default=dict)),
                ('found_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('left', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='matches_left', to='catalog.variant')),
                ('right', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='matches_right', to='catalog.variant')),
            ],
            options={
                'verbose_name': 'relation',
            },
        ),
        migrations.CreateModel(
            name='Location',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('path', models.BinaryField()),
                ('set_name', models.CharField(blank=True, default='', max_length=64, verbose_name='set')),
                ('path_key', models.BinaryField(max_length=32)),
                ('path_text', models.TextField(verbose_name='path')),
                ('state', models.CharField(default='present', max_length=16)),
                ('outcome', models.CharField(default='pending', max_length=16)),
                ('size', models.BigIntegerField()),
                ('first_seen', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('missing_since', models.DateTimeField(null=True)),
                ('hashed_at', models.DateTimeField(null=True)),
                ('verified_at', models.DateTimeField(null=True)),
                ('stage', models.CharField(blank=True, default='', max_length=8)),
                ('priority', models.SmallIntegerField(default=0)),
                ('lease', models.UUIDField(null=True)),
                ('leased_until', models.DateTimeField(null=True)),
                ('attempts', models.SmallIntegerField(default=0)),
                ('alone', models.BooleanField(default=False)),
                ('done_bytes', models.BigIntegerField(default=0)),
                ('library', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='locations', to='catalog.library')),
                ('variant', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='locations', to='catalog.variant')),
            ],
        ),
        migrations.CreateModel(
            name='HashClaim',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('algorithm', models.CharField(max_length=32)),
                ('digest', models.BinaryField()),
                ('source', models.CharField(max_length=16)),
                ('location', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='claims', to='catalog.location')),
                ('variant', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='claims', to='catalog.variant')),
            ],
            options={
                'verbose_name': 'listed hash',
                'verbose_name_plural': 'listed hashes',
            },
        ),
        migrations.CreateModel(
            name='FormerName',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('path', models.BinaryField()),
                ('path_key', models.BinaryField(max_length=32)),
                ('path_text', models.TextField(verbose_name='path')),
                ('stem', models.TextField()),
                ('first_seen', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('last_seen', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('library', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='catalog.library')),
                ('variant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='former_names', to='catalog.variant')),
            ],
        ),
        migrations.CreateModel(
            name='Finding',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=32)),
                ('params', models.JSONField(default=dict)),
                ('place', models.TextField(blank=True, default='')),
                ('first_seen', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('last_seen', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('cleared_at', models.DateTimeField(null=True)),
                ('library', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='findings', to='catalog.library')),
                ('location', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='findings', to='catalog.location')),
                ('variant', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='findings', to='catalog.variant')),
            ],
        ),
        migrations.CreateModel(
            name='ExternalId',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scheme', models.CharField(max_length=32)),
                ('value', models.TextField()),
                ('model', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='external_ids', to='catalog.modelrecord')),
                ('variant', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='external_ids', to='catalog.variant')),
            ],
        ),
        migrations.CreateModel(
            name='Component',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.TextField(blank=True)),
                ('algorithm', models.CharField(max_length=32)),
                ('tensors', models.IntegerField()),
                ('values', models.BigIntegerField()),
                ('tensors_digest', models.BinaryField(max_length=32, null=True)),
                ('weights_digest', models.BinaryField(max_length=32, null=True)),
                ('fingerprint', models.BinaryField(null=True)),
                ('variant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='components', to='catalog.variant')),
            ],
        ),
        migrations.CreateModel(
            name='VariantFile',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('number', models.BigIntegerField(db_default=models.Func(models.Value('catalog_file_number'), function='nextval', output_field=models.BigIntegerField()), editable=False, unique=True)),
                ('position', models.SmallIntegerField(default=0)),
                ('name', models.BinaryField()),
                ('size', models.BigIntegerField()),
                ('role', models.CharField(max_length=16)),
                ('merged_into', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='aliases', to='catalog.variantfile')),
                ('variant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='files', to='catalog.variant')),
            ],
        ),
        migrations.CreateModel(
            name='ModelHash',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('algorithm', models.CharField(max_length=32)),
                ('digest', models.BinaryField()),
                ('computed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('variant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='hashes', to='catalog.variant')),
                ('file', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='hashes', to='catalog.variantfile')),
            ],
            options={
                'verbose_name': 'hash',
                'verbose_name_plural': 'hashes',
            },
        ),
        migrations.CreateModel(
            name='LocationFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.SmallIntegerField(default=0)),
                ('path', models.BinaryField()),
                ('name', models.BinaryField()),
                ('role', models.CharField(max_length=16)),
                ('size', models.BigIntegerField()),
                ('mtime_ns', models.BigIntegerField()),
                ('ctime_ns', models.BigIntegerField()),
                ('ino', models.BigIntegerField()),
                ('dev', models.BigIntegerField()),
                ('quick', models.BinaryField(max_length=32, null=True)),
                ('location', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='files', to='catalog.location')),
                ('file', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='places', to='catalog.variantfile')),
            ],
        ),
        migrations.CreateModel(
            name='Job',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=16)),
                ('part', models.BinaryField(null=True)),
                ('state', models.CharField(default='waiting', max_length=16)),
                ('cancel', models.BooleanField(default=False)),
                ('bytes_done', models.BigIntegerField(default=0)),
                ('bytes_total', models.BigIntegerField(default=0)),
                ('files_done', models.IntegerField(default=0)),
                ('files_total', models.IntegerField(default=0)),
                ('error', models.TextField(blank=True, default='')),
                ('report', models.JSONField(default=dict)),
                ('lease', models.UUIDField(null=True)),
                ('leased_until', models.DateTimeField(null=True)),
                ('attempts', models.SmallIntegerField(default=0)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('started_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('requested_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('library', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='jobs', to='catalog.library')),
            ],
            options={
                'indexes': [models.Index(fields=['-created_at'], name='job_newest')],
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['scan', 'hash', 'verify'])), name='job_kind_is_known'), models.CheckConstraint(condition=models.Q(('state__in', ['waiting', 'running', 'paused', 'done', 'failed', 'cancelled'])), name='job_state_is_known'), models.UniqueConstraint(condition=models.Q(('state__in', ['waiting', 'running', 'paused'])), fields=('kind', 'library', 'part'), name='job_open_once', nulls_distinct=False)],
            },
        ),
        migrations.AddIndex(
            model_name='modelrecord',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('name'), name='gin_trgm_ops'), name='model_name_trgm'),
        ),
        migrations.AddIndex(
            model_name='modelrecord',
            index=models.Index(condition=models.Q(('merged_into', None)), fields=['name', 'id'], name='model_by_name'),
        ),
        migrations.AddIndex(
            model_name='modelrecord',
            index=models.Index(condition=models.Q(('merged_into', None)), fields=['-number'], name='model_newest'),
        ),
        migrations.AddConstraint(
            model_name='modelrecord',
            constraint=models.CheckConstraint(condition=models.Q(('merged_into', models.F('id')), _negated=True), name='model_not_its_own_alias'),
        ),
        migrations.AddIndex(
            model_name='decision',
            index=models.Index(condition=models.Q(('left__isnull', False)), fields=['left', 'right'], name='decision_pair'),
        ),
        migrations.AddIndex(
            model_name='decision',
            index=models.Index(condition=models.Q(('right__isnull', False)), fields=['right'], name='decision_pair_right'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['join', 'merge', 'split', 'not_same', 'keep', 'reclaim', 'undo'])), name='decision_kind_is_known'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(('actor__isnull', False), models.Q(('rule', ''), _negated=True), _connector='OR'), name='decision_has_an_author'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(('basis', ''), ('basis__in', ['weights:v1', 'tensors:v1', 'content', 'variant']), _connector='OR'), name='decision_basis_is_known'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('basis', ''), ('left', None), ('right', None)), models.Q(('left__isnull', False), ('right__isnull', False)), _connector='OR'), name='decision_binds_a_pair'),
        ),
        migrations.AddConstraint(
            model_name='storagetotal',
            constraint=models.UniqueConstraint(fields=('library', 'format', 'precision', 'kind', 'base', 'state'), name='total_once'),
        ),
        migrations.AddIndex(
            model_name='variant',
            index=models.Index(fields=['format', 'precision', 'kind', 'base'], name='variant_facets'),
        ),
        migrations.AddConstraint(
            model_name='variant',
            constraint=models.CheckConstraint(condition=models.Q(('merged_into', models.F('id')), _negated=True), name='variant_not_its_own_alias'),
        ),
        migrations.AddConstraint(
            model_name='variant',
            constraint=models.CheckConstraint(condition=models.Q(('content', None), ('merged_into', None), _connector='OR'), name='variant_alias_without_content'),
        ),
        migrations.AddConstraint(
            model_name='variant',
            constraint=models.CheckConstraint(condition=models.Q(('content', None), django.db.models.lookups.Exact(django.db.models.functions.text.Length('content'), 32), _connector='OR'), name='variant_content_is_32_bytes'),
        ),
        migrations.AddIndex(
            model_name='match',
            index=models.Index(fields=['right'], name='match_right'),
        ),
        migrations.AddConstraint(
            model_name='match',
            constraint=models.UniqueConstraint(fields=('left', 'right'), name='match_once_per_pair'),
        ),
        migrations.AddConstraint(
            model_name='match',
            constraint=models.CheckConstraint(condition=models.Q(('left__lt', models.F('right'))), name='match_ends_in_order'),
        ),
        migrations.AddConstraint(
            model_name='match',
            constraint=models.CheckConstraint(condition=models.Q(('relation__in', ['identical', 'same_tensors', 'same_weights', 'other_precision', 'quantised', 'part_of', 'contains', 'rearranged', 'derived', 'shares_parts', 'unrelated', 'cannot_tell'])), name='match_relation_is_known'),
        ),
        migrations.AddConstraint(
            model_name='match',
            constraint=models.CheckConstraint(condition=models.Q(('certainty__in', ['proven', 'all_values', 'keys', 'samples', 'suspected'])), name='match_certainty_is_known'),
        ),
        migrations.AddIndex(
            model_name='location',
            index=models.Index(condition=models.Q(('stage', ''), _negated=True), fields=['library', 'stage', 'priority', 'size', 'id'], name='location_work'),
        ),
        migrations.AddIndex(
            model_name='location',
            index=models.Index(fields=['variant', 'state'], name='location_of_variant'),
        ),
        migrations.AddIndex(
            model_name='location',
            index=models.Index(fields=['size'], name='location_size'),
        ),
        migrations.AddIndex(
            model_name='location',
            index=models.Index(condition=models.Q(('lease__isnull', False)), fields=['leased_until'], name='location_leases'),
        ),
        migrations.AddIndex(
            model_name='location',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('path_text'), name='gin_trgm_ops'), name='location_path_trgm'),
        ),
        migrations.AddConstraint(
            model_name='location',
            constraint=models.UniqueConstraint(fields=('library', 'path_key'), name='location_once_per_place_and_set'),
        ),
        migrations.AddConstraint(
            model_name='location',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['present', 'changed', 'offline', 'missing', 'in_trash', 'removed'])), name='location_state_is_known'),
        ),
        migrations.AddConstraint(
            model_name='location',
            constraint=models.CheckConstraint(condition=models.Q(('stage__in', ['', 'probe', 'hash', 'verify'])), name='location_stage_is_known'),
        ),
        migrations.AddConstraint(
            model_name='location',
            constraint=models.CheckConstraint(condition=models.Q(('lease', None), ('leased_until__isnull', False), _connector='OR'), name='location_lease_ends'),
        ),
        migrations.AddIndex(
            model_name='hashclaim',
            index=models.Index(fields=['digest', 'algorithm'], include=('variant',), name='claim_by_digest'),
        ),
        migrations.AddConstraint(
            model_name='hashclaim',
            constraint=models.UniqueConstraint(fields=('location', 'algorithm', 'source'), name='claim_once_per_source'),
        ),
        migrations.AddConstraint(
            model_name='hashclaim',
            constraint=models.CheckConstraint(condition=models.Q(django.db.models.lookups.GreaterThanOrEqual(django.db.models.functions.text.Length('digest'), 4)), name='claim_long_enough'),
        ),
        migrations.AddIndex(
            model_name='formername',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('path_text'), name='gin_trgm_ops'), name='former_name_trgm'),
        ),
        migrations.AddConstraint(
            model_name='formername',
            constraint=models.UniqueConstraint(fields=('variant', 'library', 'path_key'), name='former_name_once'),
        ),
        migrations.AddIndex(
            model_name='finding',
            index=models.Index(condition=models.Q(('cleared_at', None)), fields=['-last_seen'], name='finding_open'),
        ),
        migrations.AddConstraint(
            model_name='finding',
            constraint=models.UniqueConstraint(condition=models.Q(('cleared_at', None)), fields=('code', 'library', 'location', 'variant', 'place'), name='finding_open_once', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='externalid',
            constraint=models.UniqueConstraint(fields=('scheme', 'value', 'model', 'variant'), name='external_id_once', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='externalid',
            constraint=models.CheckConstraint(condition=models.Q(('model', None), ('variant', None), _connector='XOR'), name='external_id_names_a_model_or_a_variant'),
        ),
        migrations.AddIndex(
            model_name='component',
            index=models.Index(condition=models.Q(('weights_digest', None), _negated=True), fields=['weights_digest'], name='component_by_weights'),
        ),
        migrations.AddConstraint(
            model_name='component',
            constraint=models.UniqueConstraint(fields=('variant', 'name', 'algorithm'), name='component_once_per_version'),
        ),
        migrations.AddConstraint(
            model_name='variantfile',
            constraint=models.UniqueConstraint(fields=('variant', 'position'), name='file_once_per_position'),
        ),
        migrations.AddConstraint(
            model_name='variantfile',
            constraint=models.CheckConstraint(condition=models.Q(('merged_into', models.F('id')), _negated=True), name='file_not_its_own_alias'),
        ),
        migrations.AddIndex(
            model_name='modelhash',
            index=models.Index(fields=['digest', 'algorithm'], include=('variant',), name='hash_by_digest'),
        ),
        migrations.AddConstraint(
            model_name='modelhash',
            constraint=models.UniqueConstraint(fields=('variant', 'file', 'algorithm'), name='hash_once_per_algorithm', nulls_distinct=False),
        ),
        migrations.AddIndex(
            model_name='locationfile',
            index=models.Index(fields=['size', 'mtime_ns'], name='location_file_moved'),
        ),
        migrations.AddIndex(
            model_name='locationfile',
            index=models.Index(fields=['dev', 'ino'], name='location_file_inode'),
        ),
        migrations.AddConstraint(
            model_name='locationfile',
            constraint=models.UniqueConstraint(fields=('location', 'position'), name='location_file_once'),
        ),
    ]
