import django.db.models.deletion
from django.db import migrations, models

# Neither packs any smaller; and a probe that lay apart from its row would be fetched one by one.
_STORAGE = """
ALTER TABLE catalog_component ALTER COLUMN fingerprint SET STORAGE EXTERNAL;
ALTER TABLE catalog_componentprobe ALTER COLUMN packed SET STORAGE PLAIN;
ALTER TABLE catalog_match ALTER COLUMN packed SET STORAGE EXTERNAL;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0010_groups_of_duplicates'),
    ]

    operations = [
        migrations.CreateModel(
            name='ComponentProbe',
            fields=[
                ('component', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='probe', serialize=False, to='catalog.component')),
                ('build', models.BigIntegerField()),
                ('packed', models.BinaryField()),
            ],
        ),
        migrations.RemoveIndex(
            model_name='componentkey',
            name='component_key_found',
        ),
        migrations.AddField(
            model_name='componentkey',
            name='alone',
            field=models.BooleanField(db_default=False),
        ),
        migrations.AddField(
            model_name='match',
            name='out_of_reach',
            field=models.BooleanField(default=False),
        ),
        migrations.AddIndex(
            model_name='componentkey',
            index=models.Index(fields=['key', 'kind', 'alone', 'component'], name='component_key_in_turn'),
        ),
        migrations.AddIndex(
            model_name='match',
            index=models.Index(condition=models.Q(('out_of_reach', True)), fields=['id'], name='match_out_of_reach'),
        ),
        migrations.AddField(
            model_name='componentprobe',
            name='family',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='family_probes', to='catalog.component'),
        ),
        migrations.AddIndex(
            model_name='componentprobe',
            index=models.Index(fields=['family', 'component'], name='probe_of_family'),
        ),
        migrations.AddIndex(
            model_name='componentprobe',
            index=models.Index(condition=models.Q(('component', models.F('family'))), fields=['build', 'component'], name='probe_first'),
        ),
        migrations.AddField(
            model_name='component',
            name='version',
            field=models.SmallIntegerField(db_default=0),
        ),
        migrations.AddIndex(
            model_name='component',
            index=models.Index(fields=['version', 'variant'], name='component_of_version'),
        ),
        migrations.RunSQL(_STORAGE, migrations.RunSQL.noop),
    ]
